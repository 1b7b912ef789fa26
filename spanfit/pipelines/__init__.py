"""The pipelines that transformers 4 had, on SpanFit's road: same arguments, same keys.

pipeline            from a task and a model to one of the two below
question_answering  question and context to answers
token_classification texts to labelled pieces, words or entities

arguments           what callers give, at the making or at a call
opening             what they name as the model
questions           the forms in which questions are asked
answer_task         logits to answers: the joint softmax of start and end over all windows
grouping            logits to groups of tokens: the aggregation strategies
words               the words of a text in any script

docs/pipelines.md lists every difference from transformers.
"""

from __future__ import annotations

from spanfit.pipelines.making import pipeline
from spanfit.pipelines.question_answering import QuestionAnsweringPipeline
from spanfit.pipelines.token_classification import TokenClassificationPipeline

__all__ = ["QuestionAnsweringPipeline", "TokenClassificationPipeline", "pipeline"]
