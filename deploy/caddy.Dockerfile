# Caddy with the site's Caddyfile, as a user that may write nothing but its certificates.
ARG CADDY=caddy:2.10-alpine
FROM ${CADDY}
COPY deploy/Caddyfile /etc/caddy/Caddyfile
RUN mkdir -p /var/lib/caddy && chown 10002:10002 /var/lib/caddy
ENV XDG_DATA_HOME=/var/lib/caddy/data XDG_CONFIG_HOME=/var/lib/caddy/config
USER 10002:10002
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
