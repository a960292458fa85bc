"""The least that searches over HTTP: decode, one forward pass of torch, hnswlib, JSON. No accounts, no rows, no limits.

A thread a connection, and the torch model shared by all, as small image searches are often written. It says what the
rest of Kindred costs: `python -m benchmarks.search_path` measures both in one run.
"""

import argparse
import io
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

K = 12


def handler(encoder: Any, index: Any) -> type[BaseHTTPRequestHandler]:
    """Return what answers a POST whose body is a picture."""
    from PIL import Image

    class Search(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body leave together: the body would wait 40 ms until the head is acknowledged

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            vectors = encoder.embed([Image.open(io.BytesIO(data)).convert("RGB")])
            labels, distances = index.knn_query(vectors, K)
            answer = json.dumps({"images": labels[0].tolist(), "similarities": (1 - distances[0]).tolist()}).encode()
            self.send_response(201)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None:
            """Write nothing: a line a request would be measured too."""

    return Search


def main() -> None:
    """Serve a stored model and as many random vectors as its site has pictures, until the process is ended."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--model", type=Path, required=True, help="folder of a stored model")
    options.add_argument("--vectors", type=int, required=True, help="in the index")
    options.add_argument("--port", type=int, required=True)
    chosen = options.parse_args()
    import hnswlib
    import numpy as np
    import torch

    from mlcore.inference.model_files import load_encoder

    torch.set_num_threads(1)
    encoder = load_encoder(chosen.model)
    vectors = np.random.default_rng(0).standard_normal((chosen.vectors, encoder.dim)).astype(np.float32)
    index = hnswlib.Index("cosine", encoder.dim)
    index.init_index(chosen.vectors)
    index.add_items(vectors, num_threads=1)
    ThreadingHTTPServer.request_queue_size = 128
    ThreadingHTTPServer(("127.0.0.1", chosen.port), handler(encoder, index)).serve_forever()


if __name__ == "__main__":
    main()
