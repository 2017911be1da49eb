// A model from its name: whichever format its file has, under canonical tensor names.
#pragma once

#include "models/files/checkpoint.h"

namespace sfumato {

/// `source`: a file (.safetensors, .ckpt, .pt, .pth, .gguf, either file of ncnn's .param and .bin), a diffusers folder,
/// "sfumato:NAME" (a model that is part of the program) or "procedural:NAME" (models/library/procedural.h). What a
/// .yaml of the training code beside a file says is in its metadata. Reads the directory of the tensors, not yet their
/// bytes. Throws error: not there; damaged, what and where; a format that is not supported.
checkpoint open_checkpoint(std::string const& source);

} // namespace sfumato
