// What every kernel includes: buffers by address, and the push constants of all kernels.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_scalar_block_layout : require
#extension GL_EXT_control_flow_attributes : enable

layout(buffer_reference, scalar, buffer_reference_align = 4) buffer f32s { float at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer u32s { uint at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 16) buffer vec4s { vec4 at[]; };

#include "elements.glsl"
#include "kernels.h"

// Which of launch::items() this is. A macro, because gl_WorkGroupSize is 1 before a kernel has declared its own.
#define flat_id() (gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x) + gl_GlobalInvocationID.x)
