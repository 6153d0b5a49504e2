"""Pictures of lesions in files, so that a report can be made again without the images."""

import json
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..errors import InputError
from .lesion_picture import LesionPicture, Overlay

__all__ = ["load_pictures", "save_pictures"]

_SUFFIX = ".picture.npz"
_TEXTS = ("lesion_uid", "time_point", "title", "pixel_mm", "window", "colour_map", "unit", "letters", "field_mm")
_OURS = re.compile(r"\d{4}" + re.escape(_SUFFIX))


def save_pictures(folder: Path, pictures: Iterable[LesionPicture]) -> list[Path]:
    """Write pictures into a folder, a file each; those of an earlier call are taken away."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if _OURS.fullmatch(path.name):
            path.unlink()
    paths = []
    for number, picture in enumerate(pictures):
        about = {name: getattr(picture, name) for name in _TEXTS}
        about["overlays"] = [{"label": one.label, "colour": one.colour, "filled": one.filled} for one in picture.overlays]
        path = folder / f"{number:04d}{_SUFFIX}"
        masks = np.array([one.mask for one in picture.overlays], dtype=bool).reshape(-1, *picture.pixels.shape)
        np.savez_compressed(path, about=np.array(json.dumps(about)), pixels=picture.pixels.astype(np.float32), masks=masks)
        paths.append(path)
    return paths


def load_pictures(folder: Path) -> list[LesionPicture]:
    """Read the pictures of a folder, in the order they were written in.

    :raises InputError: there is none, or a file is damaged.
    """
    folder = Path(folder)
    paths = sorted(folder.glob(f"*{_SUFFIX}")) if folder.is_dir() else []
    if not paths:
        raise InputError(f"The folder '{folder}' has no pictures (files that end in {_SUFFIX}).")
    return [_load(path) for path in paths]


def _load(path: Path) -> LesionPicture:
    try:
        # Pickled objects could run code; none are needed.
        with np.load(path, allow_pickle=False) as file:
            about, pixels, masks = json.loads(str(file["about"])), file["pixels"], file["masks"]
        overlays = about.pop("overlays")
        lists = {name: tuple(value) for name, value in about.items() if isinstance(value, list)}
        return LesionPicture(
            pixels=pixels,
            overlays=tuple(Overlay(mask=mask, **one) for one, mask in zip(overlays, masks, strict=True)),
            **(about | lists),
        )
    except (OSError, zipfile.BadZipFile, EOFError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"The picture '{path.name}' is damaged ({type(error).__name__}); make it again.") from None
