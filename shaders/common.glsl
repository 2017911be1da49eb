// What every kernel includes: buffers by address, and the push constants of all kernels.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_scalar_block_layout : require
#extension GL_EXT_control_flow_attributes : enable

layout(buffer_reference, scalar, buffer_reference_align = 4) buffer f32s { float at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer u32s { uint at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 16) buffer vec4s { vec4 at[]; };

#include "kernels.h"
