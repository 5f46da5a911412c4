#pragma once

#include <torch/headeronly/version.h>

namespace pp {

/// What the parts of one build have in common. A plug-in of another pp or
/// another LibTorch has other layouts.
inline constexpr char kPluginBuild[] =
    "pp " PP_VERSION " with LibTorch " TORCH_VERSION;

}  // namespace pp
