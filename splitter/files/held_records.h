#pragma once

#include <map>
#include <string>

#include "splitter/files/artifact.h"
#include "splitter/files/source_archive.h"

namespace pp {

/// Finds which stage of a directory holds a record of the source. The directory
/// must outlive this object.
class HeldRecords {
 public:
  struct Held {
    const Model* stage;
    const StateRecord* record;
  };

  explicit HeldRecords(const StageDirectory& stages);

  /// Returns the stage's record that holds the bytes of a record of the source.
  /// throws  Error(Input): no stage holds it, or it has another size or no
  ///         values there
  const Held& find(const SourceRecord& record) const;

 private:
  const StageDirectory& stages_;
  std::map<std::string, Held> held_;  ///< by FQN
};

}  // namespace pp
