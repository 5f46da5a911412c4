#pragma once

#include <toml++/toml.h>

namespace pp {

/// Writes names that hold dots as one key. A model's input `cond.text` may
/// stand in a file as `inputs."cond.text" = { path = ... }`, or without the
/// quotes, which TOML reads as a table `cond` that holds a table `text`. No key
/// of an input or of an output is a table, so a table in one is always the
/// rest of a name.
///
/// throws  Error(Usage): a name is written both ways
void join_nested_names(toml::table& document);

}  // namespace pp
