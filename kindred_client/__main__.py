"""`python -m kindred_client` is the `kindred` command."""

from kindred_client.cli import main

if __name__ == "__main__":
    main()
