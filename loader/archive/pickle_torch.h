#pragma once

#include <string>

#include "loader/archive/pickle_machine.h"

/// The meaning of the globals and persistent ids that `torch.save` writes.
namespace pp::pickle {

/// Whether a pickle may name this global.
bool is_allowed(const std::string& global);

/// Calls an allowed global with `arguments` and returns the resulting object.
/// throws  Error(Input): torch.save does not write such arguments
Object call(
    const Heap& heap,
    const std::string& global,
    const Sequence& arguments,
    const std::string& label);

/// Finds the storage that a persistent id names:
/// ('storage', storage type, key, device, number of elements).
/// throws  Error(Input): another kind of id; a missing or too short record
Object load_storage(
    const Heap& heap,
    const Object& persistent_id,
    const ZipReader& archive,
    const std::string& label);

}  // namespace pp::pickle
