"""The job ``hccresponse assess``: what every criterion says of a case, with reasons."""

import argparse
import json
import sys
import textwrap

from .case_file import add_case_argument, read_case

__all__ = ["add_parser", "run"]


def add_parser(subparsers) -> None:
    """Add the job to the command line."""
    parser = subparsers.add_parser(
        "assess",
        help="response criteria side by side, with reasons, from a case file",
        description="Assess a case by every response criterion that applies and print, for every examination, the category and one "
        "sentence that says why.",
        epilog="example:\n  hccresponse assess case.json --reader 'Dr Example'",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_case_argument(parser)
    parser.add_argument("--confirmation", action="store_true", help="best response needs confirmation after four weeks")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the assessment; return the exit status."""
    from ..response.criteria import assess

    case = read_case(arguments.case)
    assessment = assess(case, reader=arguments.reader, confirmation=arguments.confirmation)
    if arguments.json:
        # In ASCII, which every terminal and every program takes.
        print(json.dumps(json.loads(assessment.to_json()), indent=1))
    else:
        encoding = sys.stdout.encoding or "utf-8"
        print(_text(case, assessment).encode(encoding, "replace").decode(encoding))
    return 0


def _text(case, assessment) -> str:
    from ..report.sections import answer_of, caution_sentences, course_rows, criterion_rows, grids_of, method_warnings, program_note
    from ..report.text import plain_text
    from ..response.criteria import examination_label

    labels = [examination_label(case, one.index) for one in case.time_points]
    rows = criterion_rows(case, assessment)
    grids = grids_of(case, assessment.reader)
    answer = answer_of(case, assessment, grids)
    courses = [sentence for row in course_rows(case, assessment, grids) for _when, said in row.sentences for sentence, _notes in said]
    program = program_note(grids, assessment.reader)
    who = f", reader {assessment.reader}" if assessment.reader else ""
    lines = [f"Patient {plain_text(case.patient, 64) or 'without identifier'}{plain_text(who, 80)}", "", answer.headline]
    lines += [answer.explanation] if answer.explanation else []
    if rows:
        table = [["", *labels, "best response"]]
        for row in rows:
            cells = ["–" if one is None else f"{one.category} {one.change}".strip() for one in row.chips]
            table.append([row.criterion, *cells, str(row.best)])
        lines += ["", *_columns(table), ""]
    for row in rows:
        lines += ["", row.criterion]
        lines += [line for label, one in zip(labels, row.chips, strict=True) if one for line in _wrapped(label, one.reason)]
        lines += _wrapped("best response", row.best_reason)
        lines += [line for note in row.notes for line in _wrapped("note", note)]
    for title, sentences in (
        ("Where criteria disagree", [f"{examination_label(case, one.time_point)}: {one.reason}" for one in assessment.discordances]),
        ("Cautions", [sentence for _kind, sentence in caution_sentences(case, assessment, grids)]),
        ("Lesion by lesion", [*(one.reason for one in assessment.horger), *courses]),
        ("Radiotherapy and AFP", [one.reason for one in (*assessment.doses, *assessment.afp)]),
        ("Inside and outside the radiation field", _of_the_field(case, assessment)),
        ("Not applicable", [f"{name}: {why}." for name, why in assessment.not_applicable.items()]),
        ("Notes", [*assessment.notes, *method_warnings(grids), *([program] if program else [])]),
    ):
        if sentences:
            lines += ["", title, *(line for one in sentences for line in _wrapped("-", one))]
    # What a terminal would obey (escape sequences in a name) is no text.
    return "\n".join(plain_text(line) for line in lines)


def _of_the_field(case, assessment) -> list[str]:
    from ..response.criteria import examination_label

    return [
        f"{part.criterion}, {examination_label(case, one.time_point)}: {one.reason}"
        for field in assessment.field.values()
        for part in (field.in_field, field.out_of_field, field.total)
        for one in part.assessments
    ]


def _columns(table: list[list[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


def _wrapped(label: str, text: str) -> list[str]:
    first = f"  {label}  " if label == "-" else f"  {label:<14}"
    return textwrap.wrap(" ".join(text.split()), 110, initial_indent=first, subsequent_indent=" " * len(first)) or [first.rstrip()]
