#pragma once

#include <toml++/toml.h>

namespace pp {

/// Joins the parts of a name that contains dots into one key. A job file may
/// write a model's input `cond.text` as `inputs."cond.text" = { path = ... }`,
/// or without the quotes, which TOML reads as a table `cond` that holds a table
/// `text`. No key of an input or output is a table, so a table there is always
/// the rest of a name.
///
/// throws  Error(Usage): one name is written both ways
void join_nested_names(toml::table& document);

}  // namespace pp
