"""The job ``hccresponse adc``."""

import argparse
import sys

from ..workflow.adc import AdcJob, map_adc
from .progress_bar import ProgressBar

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> AdcJob:
    """Run the job with what the command line asked for, saying each step in a line."""
    bar = ProgressBar("working")

    def say(line: str) -> None:
        bar.close()
        print(line, flush=True)

    try:
        return map_adc(
            arguments.folder,
            arguments.output,
            mask=arguments.mask,
            series_number=arguments.series,
            b_values=arguments.b_values,
            method=arguments.method,
            keep_air=arguments.keep_air,
            scaling=arguments.scaling.replace("-", "_"),
            say=say,
            progress=bar,
        )
    finally:
        bar.close()
        sys.stdout.flush()
