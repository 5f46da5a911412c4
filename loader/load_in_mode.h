#pragma once

#include <filesystem>

#include "loader/model.h"

namespace pp {

/// load_model(), for a run in this mode whatever the saved one is: a script's
/// branches on `self.training` are taken as its modules would in it. A `.pt2`
/// has no such branches. (Flags of operators are for set_mode().)
Model load_in_mode(const std::filesystem::path& path, bool training);

}  // namespace pp
