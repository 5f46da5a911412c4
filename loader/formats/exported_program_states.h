#pragma once

#include <map>
#include <string>
#include <vector>

#include "loader/formats/exported_program_details.h"
#include "loader/formats/json_fields.h"
#include "loader/ir/graph.h"
#include "loader/model.h"

namespace pp::ep {

/// The two tables of an archive: FQN -> where the tensor lies.
struct Payloads {
  std::map<std::string, Payload> weights;
  std::map<std::string, Payload> constants;
};

/// Reads the tables of the model called `model_name`. Records and their sizes
/// are checked against the archive, so that nothing read later lies outside.
/// throws Error(Input): a table or record missing, a pickled tensor, a record
///        too small for its tensor
Payloads read_payloads(const ZipReader& archive, const std::string& model_name);

/// Collects the states of a program in signature order. Entries of one kind
/// that share a record and all sizes are one state with aliases.
class StateCollector {
 public:
  StateCollector(const ZipReader& archive, Payloads payloads);

  /// Adds an entry of the signature. Returns the state's position, and whether
  /// it is new: if not, the entry is an alias of a state that is there.
  /// throws Error(Input) through `fields` if no table has the FQN
  std::pair<size_t, bool> add(
      const std::string& fqn,
      ir::StateKind kind,
      bool persistent,
      const JsonFields& fields);

  std::vector<ir::State>& states() { return states_; }

  /// After the last add: gives tied weights that the signature leaves out to
  /// their states as aliases, and the rest to `details`.
  void finish(Details& details);

  /// What a user should know, one line each.
  const std::vector<std::string>& notes() const { return notes_; }

  /// By State::fqn.
  std::map<std::string, StateRecord> records() const;

 private:
  const ZipReader& archive_;
  Payloads payloads_;
  std::vector<ir::State> states_;
  std::vector<Payload> found_;  // by state
  std::map<std::string, std::vector<size_t>> by_record_;
  std::vector<std::string> notes_;
};

}  // namespace pp::ep
