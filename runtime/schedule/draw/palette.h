#pragma once

#include <cstdint>
#include <string>

#include "runtime/schedule/action.h"

namespace pp {

struct Rgb {
  uint8_t red = 0;
  uint8_t green = 0;
  uint8_t blue = 0;
};

/// Returns the colour of an action. The hue depends on the microbatch, and hues
/// are evenly spread over the colour circle. Lightness and saturation depend on
/// the kind: F light, I middle, B dark, W pale.
Rgb color_of(ActionKind kind, int32_t microbatch, int num_microbatches);

/// The colour of the optimizer's update.
constexpr Rgb kUpdateColor = {0x2f, 0x3b, 0x4a};

/// Whether text on a background of this colour should be light.
bool is_dark(const Rgb& color);

/// Returns a colour as "#a1b2c3".
std::string hex(const Rgb& color);

}  // namespace pp
