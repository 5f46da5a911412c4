#include "runtime/schedule/draw/palette.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace pp {
namespace {

struct Tone {
  double lightness;
  double chroma;
};

Tone tone_of(ActionKind kind) {
  switch (kind) {
    case ActionKind::Forward:
      return {0.84, 0.11};
    case ActionKind::BackwardInput:
      return {0.66, 0.14};
    case ActionKind::BackwardWeight:
      return {0.91, 0.045};
    default:
      return {0.54, 0.14};
  }
}

uint8_t channel(double linear) {
  const double clipped = std::clamp(linear, 0.0, 1.0);
  const double encoded = clipped <= 0.0031308
                             ? 12.92 * clipped
                             : 1.055 * std::pow(clipped, 1 / 2.4) - 0.055;
  return static_cast<uint8_t>(std::lround(255 * encoded));
}

double cube(double value) {
  return value * value * value;
}

// Converts from Oklab, in which equal lightness looks equal (Ottosson 2020).
Rgb from_oklab(double lightness, double a, double b) {
  const double l = cube(lightness + 0.3963377774 * a + 0.2158037573 * b);
  const double m = cube(lightness - 0.1055613458 * a - 0.0638541728 * b);
  const double s = cube(lightness - 0.0894841775 * a - 1.2914855480 * b);
  return {
      channel(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
      channel(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
      channel(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s)};
}

}  // namespace

Rgb color_of(ActionKind kind, int32_t microbatch, int num_microbatches) {
  const Tone tone = tone_of(kind);
  const double turn = num_microbatches > 0
                          ? static_cast<double>(microbatch) / num_microbatches
                          : 0;
  const double hue = 2 * std::numbers::pi * (0.7 + turn);
  return from_oklab(
      tone.lightness, tone.chroma * std::cos(hue), tone.chroma * std::sin(hue));
}

bool is_dark(const Rgb& color) {
  const double luma =
      0.299 * color.red + 0.587 * color.green + 0.114 * color.blue;
  return luma < 130;
}

std::string hex(const Rgb& color) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = "#";
  for (const uint8_t value : std::array{color.red, color.green, color.blue}) {
    text += kDigits[value / 16];
    text += kDigits[value % 16];
  }
  return text;
}

}  // namespace pp
