#pragma once

#include <string>

#include "loader/archive/pickle_machine.h"

/// What `torch.save` means by the globals and persistent ids it writes.
namespace pp::pickle {

/// Whether a pickle may name this global.
bool is_allowed(const std::string& global);

/// The object that calling an allowed global with `arguments` stands for.
/// throws  Error(Input): arguments that torch.save does not write
Object call(
    const Heap& heap,
    const std::string& global,
    const Sequence& arguments,
    const std::string& label);

/// The storage that a persistent id names:
/// ('storage', storage type, key, device, number of elements).
/// throws  Error(Input): another id, a missing or too short record
Object load_storage(
    const Heap& heap,
    const Object& persistent_id,
    const ZipReader& archive,
    const std::string& label);

}  // namespace pp::pickle
