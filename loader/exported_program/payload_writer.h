#pragma once

#include <map>
#include <set>
#include <string>

#include "loader/archive/zip_writer.h"
#include "loader/exported_program/internal.h"
#include "loader/exported_program/values.h"
#include "loader/ir/graph.h"

namespace pp::ep {

/// Writes the tensors of a program and the two tables that list them: one of
/// weights, one of constants.
class PayloadWriter {
 public:
  /// All arguments must outlive the writer.
  PayloadWriter(
      ZipWriter& archive, const Model& source, const Expressions& expressions);

  /// Adds a state of the source under its FQN and its aliases.
  /// throws  Error(Input): the state has no values
  void add(const ir::State& state);
  /// Adds a weight of the source's file that no graph reads.
  void add_unused(const std::string& fqn, const Payload& payload);
  /// Adds the two tables to the archive. Call this after all other members.
  void add_tables();

 private:
  struct Folder {
    const char* name;  ///< kWeights or kConstants
    Json table = Json::object();
  };

  /// Adds a tensor to a folder and its table.
  /// bound  the location of the tensor if it is not in the source's archive,
  ///        else null
  void add(
      Folder& folder,
      const std::string& fqn,
      const Payload& payload,
      const StateRecord* bound);

  ZipWriter& archive_;
  const Model& source_;
  const Expressions& expressions_;
  Folder weights_{kWeights};
  Folder constants_{kConstants};
  std::set<std::string> copied_;  // names of the records copied so far
};

}  // namespace pp::ep
