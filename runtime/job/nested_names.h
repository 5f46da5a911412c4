#pragma once

#include <toml++/toml.h>

namespace pp {

/// Writes names that contain dots as one key. A file may write a model's input
/// `cond.text` as `inputs."cond.text" = { path = ... }`, or without the quotes,
/// which TOML reads as a table `cond` that holds a table `text`. No key of an
/// input or of an output is a table, so a table inside one is always the rest
/// of a name.
///
/// throws  Error(Usage): a name is written both ways
void join_nested_names(toml::table& document);

}  // namespace pp
