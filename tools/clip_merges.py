"""Makes the tokenizer's data of the file that OpenAI publishes with CLIP.

    python tools/clip_merges.py bpe_simple_vocab_16e6.txt.gz

The file, which the packages `open_clip_torch` and `clip-anytorch` ship as well, holds 262,144 merges in the order in
which they were learned. CLIP uses the first 48,894: a sixth of the bytes.
"""

import gzip
import hashlib
import sys
from pathlib import Path

SHA256 = "924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a"  # KerasCV 0.9.0, `clip_tokenizer.py`
MERGES = 49_152 - 256 - 2  # tokens made of others, without CLIP's two special ones: `simple_tokenizer.py`
OUTPUT = Path(__file__).parents[1] / "autograder" / "reference" / "clip_merges.txt.gz"


def main(source):
    data = Path(source).read_bytes()
    if (found := hashlib.sha256(data).hexdigest()) != SHA256:
        raise SystemExit(f"The file must have the sha256 {SHA256}. Received: {source} of sha256 {found}")
    lines = gzip.decompress(data).decode().split("\n")[1 : MERGES + 1]  # the first line is a comment
    OUTPUT.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0))
    print(f"wrote {OUTPUT}: {len(lines):,} merges, {OUTPUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
