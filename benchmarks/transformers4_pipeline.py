"""The question-answering pipeline of transformers 4, behind standard input and output.

Run by `pipeline_parity.py` and `pipeline_speed.py` with the interpreter of an environment that has
transformers 4; it imports nothing of SpanFit. A line of input is a JSON list of {"question",
"context"}; the line that comes back is {"answers": […], "seconds": […]}. Questions are asked one by
one, or as many at once as the third argument says; there is one number of CPU seconds each time.
"""

from __future__ import annotations

import json
import sys
import time
import warnings


def main() -> None:
    """Answer line after line with the model of the first argument."""
    model, impossible = sys.argv[1], sys.argv[2] == "impossible"
    at_once = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    warnings.simplefilter("ignore")
    import torch
    import transformers

    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    pipeline = transformers.pipeline("question-answering", model=model, device=-1)
    print(json.dumps({"version": transformers.__version__}), flush=True)
    for line in sys.stdin:
        answers, seconds = [], []
        asked = json.loads(line)
        for begin in range(0, len(asked), at_once):
            part = asked[begin : begin + at_once]
            given = {name: [one[name] for one in part] for name in ("question", "context")}
            began = time.process_time()
            found = pipeline(**given, handle_impossible_answer=impossible, batch_size=at_once)
            seconds.append(time.process_time() - began)
            answers += found if isinstance(found, list) else [found]
        print(json.dumps({"answers": answers, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
