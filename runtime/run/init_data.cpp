#include "runtime/run/init_data.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "loader/core/error.h"
#include "loader/core/known_names.h"
#include "loader/core/text.h"
#include "runtime/data/source.h"

namespace pp {
namespace {

namespace fs = std::filesystem;

bool is_pattern(const fs::path& path) {
  return path.filename().string().find_first_of("*?") != std::string::npos;
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return is_pattern(path) || fs::exists(path, ignored);
}

/// Whether files of this kind hold tensors by name.
bool has_names(const fs::path& path) {
  return path.extension() == ".safetensors" || path.extension() == ".pt";
}

/// Whether an input has a usual name of labels. If the model computes its own
/// loss, the file that the user gives as the target is meant for that input.
bool is_label(const std::string& name) {
  constexpr std::array<std::string_view, 6> kLabels = {
      "labels", "label", "targets", "target", "y", "labels_ids"};
  return std::ranges::find(kLabels, name) != kLabels.end();
}

class DataFinder {
 public:
  DataFinder(const std::vector<ModelInput>& inputs, fs::path folder)
      : inputs_(inputs), folder_(std::move(folder)) {}

  InitData find(
      const std::vector<std::string>& given, const std::string& target) {
    for (const std::string& argument : given) {
      add(argument);
    }
    add_target(target);
    for (const ModelInput& input : inputs_) {
      const fs::path usual = folder_ / (input.name + ".npy");
      if (!found_.inputs.contains(input.name)) {
        found_.inputs[input.name] = open(input.name, &input, usual);
      }
    }
    return std::move(found_);
  }

 private:
  void add(const std::string& argument) {
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    if (equals != std::string::npos && find_input(name) != nullptr) {
      found_.inputs[name] =
          open(name, find_input(name), required(argument.substr(equals + 1)));
      return;
    }
    if (equals != std::string::npos && !is_there(argument)) {
      throw usage_error(
          "--data " + argument + ": the model has no input '" + name + "'" +
          nearest_or_all(name, names()));
    }
    add_unnamed(required(argument));
  }

  void add_unnamed(const fs::path& path) {
    bool is_read = has_names(path) && add_named_tensors(path);
    if (!is_read) {
      for (const ModelInput& input : inputs_) {
        if (!found_.inputs.contains(input.name)) {
          found_.inputs[input.name] = open(input.name, &input, path);
          is_read = true;
          break;
        }
      }
    }
    if (!is_read) {
      throw usage_error(
          "--data " + path.string() +
          ": no input is left for this file; the model's inputs are " +
          join(names()) + " (name one: --data NAME=FILE)");
    }
  }

  /// Looks in a file for tensors with the names of inputs that have no file
  /// yet, and uses the file for them. If there are any, also uses it for the
  /// target if it has a tensor "target". Returns whether there are any.
  bool add_named_tensors(const fs::path& path) {
    bool any = false;
    const auto try_open = [&](const std::string& name) {
      try {
        SourceConfig config;
        config.path = path;
        config.key = name;
        return std::optional(described(path, Source(name, config, 0)));
      } catch (const Error&) {
        return std::optional<FirstJobData>();
      }
    };
    for (const ModelInput& input : inputs_) {
      if (found_.inputs.contains(input.name)) {
        continue;
      }
      if (auto data = try_open(input.name)) {
        found_.inputs[input.name] = std::move(*data);
        any = true;
      }
    }
    if (auto data = any ? try_open("target") : std::nullopt) {
      found_.target = std::move(*data);
    }
    return any;
  }

  void add_target(const std::string& target) {
    if (target.empty()) {
      if (found_.target.path.empty() && is_there(folder_ / "target.npy")) {
        found_.target = open("target", nullptr, folder_ / "target.npy");
      }
      return;
    }
    found_.target = open("target", nullptr, required(target));
    for (const ModelInput& input : inputs_) {
      if (is_label(input.name) && !found_.inputs.contains(input.name)) {
        found_.inputs[input.name] = std::exchange(found_.target, {});
        return;
      }
    }
  }

  /// Describes a file, which need not exist yet.
  /// input  null for the target
  FirstJobData open(
      const std::string& name, const ModelInput* input, const fs::path& path) {
    if (!is_there(path)) {
      return {.path = written(path)};
    }
    SourceConfig config;
    config.path = fs::absolute(path);
    config.name = name;
    if (path.extension() == ".bin") {
      set_bin_type(input, config);
    }
    FirstJobData data = described(path, Source(name, config, 0));
    data.is_bin = config.dtype.has_value();
    return data;
  }

  /// A .bin doesn't state its type. Tokens are 16-bit, as nanoGPT writes them;
  /// other rows are what the input needs.
  static void set_bin_type(const ModelInput* input, SourceConfig& config) {
    const bool is_known = input != nullptr && input->tensor.known;
    if (!is_known || !ir::is_floating(input->tensor.dtype)) {
      config.dtype = ir::ScalarType::UInt16;
      return;
    }
    config.dtype = input->tensor.dtype;
    for (size_t i = 1; i < input->tensor.sizes.size(); ++i) {
      config.shape.push_back(input->tensor.sizes[i].value);
    }
  }

  FirstJobData described(const fs::path& path, const Source& source) const {
    return {
        .path = written(path),
        .dtype = source.dtype(),
        .sizes = source.sizes()};
  }

  /// A path as the job file writes it.
  std::string written(const fs::path& path) const {
    return path.is_absolute() && !path.string().starts_with(folder_.string())
               ? path.string()
               : fs::absolute(path)
                     .lexically_normal()
                     .lexically_relative(folder_)
                     .string();
  }

  /// Refuses a file that the user names but that doesn't exist.
  static fs::path required(const std::string& path) {
    if (!is_there(path)) {
      throw input_error(path + ": no such file");
    }
    return path;
  }

  const ModelInput* find_input(const std::string& name) const {
    const auto found = std::ranges::find(inputs_, name, &ModelInput::name);
    return found == inputs_.end() ? nullptr : &*found;
  }

  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const ModelInput& input : inputs_) {
      out.push_back(input.name);
    }
    return out;
  }

  const std::vector<ModelInput>& inputs_;
  fs::path folder_;
  InitData found_;
};

}  // namespace

InitData find_init_data(
    const std::vector<ModelInput>& inputs,
    const fs::path& folder,
    const std::vector<std::string>& given,
    const std::string& target) {
  return DataFinder(inputs, folder).find(given, target);
}

}  // namespace pp
