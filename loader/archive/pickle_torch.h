#pragma once

#include <string>

#include "loader/archive/pickle_machine.h"

/// The globals and persistent ids that `torch.save` writes, and the objects
/// that they stand for.
namespace pp::pickle {

/// Whether a pickle may refer to `global`.
bool is_allowed(const std::string& global);

/// Calls an allowed global with `arguments` and returns the resulting object.
/// label   names the file in messages
/// throws  Error(Input): torch.save does not write such arguments
Object call(
    const Heap& heap,
    const std::string& global,
    const Sequence& arguments,
    const std::string& label);

/// Finds the storage that a persistent id names. The id is a tuple ('storage',
/// storage type, key, device, number of elements).
/// label   names the file in messages
/// throws  Error(Input): the id has another form, or the storage's record is
///         missing or too short
Object load_storage(
    const Heap& heap,
    const Object& persistent_id,
    const ZipReader& archive,
    const std::string& label);

}  // namespace pp::pickle
