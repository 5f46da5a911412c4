#include "loader/model/weights.h"

#include <algorithm>
#include <set>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/ir/dims_text.h"
#include "loader/ir/edit.h"
#include "loader/ir/walk.h"
#include "loader/model/shared_weights.h"
#include "loader/model/weight_files.h"

namespace pp {

namespace {

/// Lists the first few names and the number of the others.
std::string list_some(const std::vector<std::string>& names) {
  constexpr size_t kMostListed = 5;
  const size_t shown = std::min(kMostListed, names.size());
  std::vector<std::string> first(
      names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown));
  for (std::string& name : first) {
    name = "'" + name + "'";
  }
  return join(first) +
         (names.size() > shown
              ? " and " + std::to_string(names.size() - shown) + " more"
              : "");
}

bool same_bytes(const TensorView& a, const TensorView& b) {
  return a.dtype == b.dtype && a.sizes == b.sizes &&
         std::ranges::equal(a.bytes, b.bytes);
}

std::vector<std::string> names_of(const ir::State& state) {
  std::vector<std::string> out{state.fqn};
  out.insert(out.end(), state.aliases.begin(), state.aliases.end());
  return out;
}

/// The names of all tensors that weight files may hold for the models.
std::set<std::string> wanted_names(std::span<const Model> models) {
  std::set<std::string> out;
  for (const Model& model : models) {
    for (const ir::State& state : model.graph.states) {
      const std::vector<std::string> names = names_of(state);
      out.insert(names.begin(), names.end());
    }
  }
  return out;
}

class Binder {
 public:
  explicit Binder(const WeightFiles& files) : files_(files) {}

  void bind(Model& model) {
    if (is_meta(model)) {
      find_hidden_ties(model);
      ir::replace_device(model.graph, "meta", "cpu");
    }
    const std::vector<SharedWeights> shared = find_shared_weights(model);
    size_t number = 0;
    for (const ir::State& state : model.graph.states) {
      const bool may_lack =
          std::ranges::any_of(shared, [&](const SharedWeights& group) {
            return group.is_other(state.fqn);
          });
      bind_state(model, state, number++, may_lack);
    }
    for (const SharedWeights& group : shared) {
      bind_shared_weights(model, group, files_);
    }
  }

  std::vector<std::string> finish() const {
    if (!missing_.empty()) {
      throw input_error(
          files_.label() + " lacks " + std::to_string(missing_.size()) +
          (missing_.size() == 1 ? " tensor" : " tensors") +
          " of the model: " + list_some(missing_) +
          did_you_mean(missing_.front(), unexpected()) + unexpected_text());
    }
    if (!without_values_.empty()) {
      throw input_error(
          "the model has no values for " + list_some(without_values_) +
          ": it was exported on the meta device, and weight files hold only "
          "parameters and persistent buffers; export it with real buffers");
    }
    const std::vector<std::string> extra = unexpected();
    if (extra.empty()) {
      return {};
    }
    return {
        files_.label() + " holds " + std::to_string(extra.size()) +
        (extra.size() == 1 ? " tensor" : " tensors") +
        " that the model does not have: " + list_some(extra)};
  }

 private:
  /// Names the tensors that the model lacks, after a list of missing ones.
  std::string unexpected_text() const {
    const std::vector<std::string> extra = unexpected();
    return extra.empty() ? ""
                         : "; the model has no " + list_some(extra) +
                               ", which the files hold";
  }

  static bool is_meta(const Model& model) {
    return std::ranges::any_of(model.records, [](const auto& entry) {
      return !entry.second.has_values();
    });
  }

  static std::vector<bool> read_values(const ir::Graph& graph) {
    std::vector<bool> read(graph.values.size(), false);
    const auto mark = [&](ir::ValueId id) { read[id] = true; };
    for (const ir::Node& node : graph.nodes) {
      std::ranges::for_each(ir::reads_of(node), mark);
    }
    for (const ir::Output& output : graph.outputs) {
      ir::for_each_ref(output.value, mark);
    }
    return read;
  }

  /// Finds the only state that `dead`, a parameter that no node reads, can be
  /// tied to: it has the same dtype and sizes, and the files don't give the two
  /// different values. Returns -1 if there is no such state, or more than one.
  int try_find_tie(
      const Model& model,
      const std::vector<bool>& read,
      const ir::State& dead) const {
    const ir::TensorMeta& wanted = model.records.at(dead.fqn).tensor;
    const TensorView* dead_values = files_.try_find(dead.fqn).tensor;
    std::vector<int> candidates;
    for (size_t i = 0; i < model.graph.states.size(); ++i) {
      const ir::State& state = model.graph.states[i];
      const ir::TensorMeta& other = model.records.at(state.fqn).tensor;
      const TensorView* values = files_.try_find(state.fqn).tensor;
      if (state.kind == ir::StateKind::Parameter && read[state.value] &&
          other.dtype == wanted.dtype && other.sizes == wanted.sizes &&
          (dead_values == nullptr || values == nullptr ||
           same_bytes(*dead_values, *values))) {
        candidates.push_back(static_cast<int>(i));
      }
    }
    return candidates.size() == 1 ? candidates.front() : -1;
  }

  /// Recovers ties, because an export on the meta device doesn't record which
  /// parameters are tied.
  void find_hidden_ties(Model& model) {
    std::vector<ir::State>& states = model.graph.states;
    for (size_t i = states.size(); i-- > 0;) {
      const std::vector<bool> read = read_values(model.graph);
      if (states[i].kind != ir::StateKind::Parameter || read[states[i].value]) {
        continue;
      }
      const int tie = try_find_tie(model, read, states[i]);
      if (tie < 0) {
        continue;
      }
      // The first name stands for all tied parameters, as in other exports.
      const size_t first = std::min(i, static_cast<size_t>(tie));
      const size_t second = std::max(i, static_cast<size_t>(tie));
      const ir::ValueId dead = states[i].value;
      states[first].value = states[tie].value;
      for (const std::string& name : names_of(states[second])) {
        states[first].aliases.push_back(name);
      }
      model.records.erase(states[second].fqn);
      states.erase(states.begin() + static_cast<std::ptrdiff_t>(second));
      ir::erase_value(model.graph, dead);
    }
  }

  /// may_lack  whether the files may lack the state's values
  void bind_state(
      Model& model, const ir::State& state, size_t number, bool may_lack) {
    StateRecord& record = model.records.at(state.fqn);
    WeightFiles::Found found;
    std::string found_name;
    for (const std::string& name : names_of(state)) {
      const WeightFiles::Found each = files_.try_find(name);
      if (each.tensor == nullptr) {
        continue;
      }
      used_.insert(name);
      if (found.tensor != nullptr && !same_bytes(*found.tensor, *each.tensor)) {
        throw input_error(
            files_.label() + ": '" + found_name + "' and '" + name +
            "' are tied in the model, but their values in the files differ");
      }
      if (found.tensor == nullptr) {
        found = each;
        found_name = name;
      }
    }
    const bool expected =
        state.kind == ir::StateKind::Parameter ||
        (state.kind == ir::StateKind::Buffer && state.persistent);
    if (found.tensor == nullptr) {
      if (expected && !may_lack) {
        missing_.push_back(state.fqn);
      } else if (!record.has_values()) {
        without_values_.push_back(state.fqn);
      }
      return;
    }
    check_tensor(found_name, *found.tensor, record.tensor);
    const size_t slash = record.record.rfind('/');
    record.record.replace(
        slash + 1, std::string::npos, "weight_" + std::to_string(number));
    record.offset = found.offset;
    record.num_bytes = found.tensor->bytes.size();
    record.file = found.file;
    make_contiguous(record.tensor);
  }

  void check_tensor(
      const std::string& name,
      const TensorView& found,
      const ir::TensorMeta& wanted) const {
    const bool same_sizes = std::ranges::equal(
        found.sizes, wanted.sizes, {}, {}, [](const ir::Dim& dim) {
          return dim.value;
        });
    if (found.dtype != wanted.dtype || !same_sizes) {
      throw input_error(
          files_.label() + ": '" + name + "' is " + ir::name_of(found.dtype) +
          shape_text(found.sizes) + ", but the model has " +
          ir::name_of(wanted.dtype) + ir::dims_text(wanted.sizes));
    }
  }

  static void make_contiguous(ir::TensorMeta& tensor) {
    int64_t stride = 1;
    for (size_t i = tensor.sizes.size(); i-- > 0;) {
      tensor.strides[i] = {stride, {}};
      stride *= std::max<int64_t>(tensor.sizes[i].value, 1);
    }
    tensor.storage_offset = {};
    tensor.device = {};
  }

  std::vector<std::string> unexpected() const {
    std::vector<std::string> out;
    for (const std::string& name : files_.names()) {
      if (!used_.contains(name)) {
        out.push_back(name);
      }
    }
    return out;
  }

  const WeightFiles& files_;
  std::set<std::string> used_;
  std::vector<std::string> missing_;
  std::vector<std::string> without_values_;
};

}  // namespace

std::vector<std::string> bind_weights(
    std::span<Model> models, const std::filesystem::path& files) {
  WeightFiles weights(files);
  const std::string prefix_note = weights.fit_prefix(wanted_names(models));
  Binder binder(weights);
  for (Model& model : models) {
    binder.bind(model);
  }
  std::vector<std::string> notes = binder.finish();
  if (!prefix_note.empty()) {
    notes.insert(notes.begin(), prefix_note);
  }
  return notes;
}

}  // namespace pp
