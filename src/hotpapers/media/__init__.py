"""Reading and writing what people have: images now; sound, video, text and tables come with the papers that need them.

Everything that reads a user's file ends well or raises ``BadInput``: one line with the file, the problem and the mend.
Everything that writes one writes it whole or not at all.
"""

from hotpapers.media.images import MAX_PIXELS, Picture, read_image, read_mask, write_image
from hotpapers.media.sheets import before_after, contact_sheet
from hotpapers.media.tensors import to_pixels, to_tensor

__all__ = [
    "MAX_PIXELS",
    "Picture",
    "before_after",
    "contact_sheet",
    "read_image",
    "read_mask",
    "to_pixels",
    "to_tensor",
    "write_image",
]
