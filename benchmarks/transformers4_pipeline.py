"""The question-answering pipeline of transformers 4, behind standard input and output.

Run by `pipeline_parity.py` with the interpreter of an environment that has transformers 4; it
imports nothing of SpanFit. A line of input is a JSON list of {"question", "context"}; the line that
comes back is {"answers": […], "seconds": […]}, one of each a question, asked one by one;
seconds are CPU time.
"""

from __future__ import annotations

import json
import sys
import time
import warnings


def main() -> None:
    """Answer line after line with the model of the first argument."""
    model, impossible = sys.argv[1], sys.argv[2] == "impossible"
    warnings.simplefilter("ignore")
    import torch
    import transformers

    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    pipeline = transformers.pipeline("question-answering", model=model, device=-1)
    print(json.dumps({"version": transformers.__version__}), flush=True)
    for line in sys.stdin:
        answers, seconds = [], []
        for asked in json.loads(line):
            began = time.process_time()
            answers.append(pipeline(**asked, handle_impossible_answer=impossible))
            seconds.append(time.process_time() - began)
        print(json.dumps({"answers": answers, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
