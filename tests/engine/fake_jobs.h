// Seeds that make the job of `fake_sfumato` misbehave; with any other everything that is made has the grey seed % 256.
// An upscale has no seed: its `tile` stands for it, and what it makes is each pixel as often as the scale says.
#pragma once

namespace sfumato {

struct fake_seed {
    static constexpr int until_cancelled = 1001, never_notices = 1002, half_a_second = 1003, fails = 1004,
                         crashes = 1005, loses_device = 1006, out_of_memory = 1007,
                         between_steps = 1008, // of an upscale: values that 8 and 16 bits do not have
        in_rows = 1009,                        // of an upscale: each row of the picture is a part
        reads_outside = 1010,                  // asks for pixels that are not there
        warns = 1011;                          // of something, and shows a preview where one is wanted
};

} // namespace sfumato
