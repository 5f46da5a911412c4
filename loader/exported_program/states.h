#pragma once

#include <map>
#include <string>
#include <vector>

#include "loader/core/json_fields.h"
#include "loader/exported_program/internal.h"
#include "loader/ir/graph.h"
#include "loader/model/model.h"

namespace pp::ep {

/// The table of weights and the table of constants of an archive, each by FQN.
struct Payloads {
  std::map<std::string, Payload> weights;
  std::map<std::string, Payload> constants;
};

/// Reads both tables of the model called `model_name`. Checks that each record
/// exists and is large enough for its tensor.
/// throws  Error(Input): a missing table or record, a pickled tensor, a record
///         that is too small
Payloads read_payloads(const ZipReader& archive, const std::string& model_name);

/// Collects the states of a program, in the order of its signature. Entries of
/// the same kind that share a record and all sizes become one state with
/// aliases.
class StateCollector {
 public:
  StateCollector(const ZipReader& archive, Payloads payloads);

  /// Adds an entry of the signature. Returns the state's index, and true if the
  /// state is new or false if the entry is an alias of an earlier state.
  /// throws  Error(Input) through `fields`: the FQN is in no table
  std::pair<size_t, bool> add(
      const std::string& fqn,
      ir::StateKind kind,
      bool persistent,
      const JsonFields& fields);

  std::vector<ir::State>& states() { return states_; }

  /// Handles the weights that the signature omits. Tied weights become aliases
  /// of their states; all other weights are stored in `details`. Call this
  /// after the last add().
  void finish(Details& details);

  /// Returns the record of each state, by State::fqn.
  std::map<std::string, StateRecord> records() const;

 private:
  const ZipReader& archive_;
  Payloads payloads_;
  std::vector<ir::State> states_;
  // The payload of each state in states_.
  std::vector<Payload> payloads_of_states_;
  std::map<std::string, std::vector<size_t>> by_record_;
};

}  // namespace pp::ep
