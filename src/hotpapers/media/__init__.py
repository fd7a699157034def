"""Reading and writing what people have: images and sounds; video, text and tables come with the papers that need them.

Everything that reads a user's file ends well or raises ``BadInput``: one line with the file, the problem and the mend.
Everything that writes one writes it whole or not at all.
"""

from hotpapers.media.arrays import read_array
from hotpapers.media.cells import cells_up_to
from hotpapers.media.folders import files_in, is_archive
from hotpapers.media.images import IMAGE_SUFFIXES, MAX_PIXELS, Picture, read_image, read_mask, write_image
from hotpapers.media.sheets import before_after, contact_sheet
from hotpapers.media.sounds import SOUND_SUFFIXES, Sound, read_sound, resample, sound_sheet, write_sound
from hotpapers.media.tensors import to_pixels, to_tensor

__all__ = [
    "IMAGE_SUFFIXES",
    "MAX_PIXELS",
    "SOUND_SUFFIXES",
    "Picture",
    "Sound",
    "before_after",
    "cells_up_to",
    "contact_sheet",
    "files_in",
    "is_archive",
    "read_array",
    "read_image",
    "read_mask",
    "read_sound",
    "resample",
    "sound_sheet",
    "to_pixels",
    "to_tensor",
    "write_image",
    "write_sound",
]
