#include <filesystem>
#include <string>
#include <system_error>

#include <unistd.h>

#include "loader/core/error.h"
#include "loader/formats/torchscript.h"
#include "loader/formats/torchscript_archive.h"
#include "loader/formats/torchscript_code.h"
#include "loader/formats/torchscript_names.h"
#include "loader/ir/text.h"

namespace pp {

namespace {

namespace fs = std::filesystem;

/// A folder beside the file to be, gone with this object; remove_leftovers()
/// knows its name. The file gets its name there: LibTorch calls the archive's
/// top folder after it.
class Workplace {
 public:
  explicit Workplace(const fs::path& path)
      : folder_(
            path.parent_path() / ("." + path.filename().string() + ".tmp." +
                                  std::to_string(::getpid()))),
        file_(folder_ / path.filename()) {
    fs::create_directories(folder_);
  }
  ~Workplace() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;

  const fs::path& file() const { return file_; }

 private:
  fs::path folder_;
  fs::path file_;
};

/// Code can't hold them, nor does a stage need them.
void drop_markers(ir::Graph& graph) {
  std::erase_if(graph.nodes, [](const ir::Node& node) {
    return node.target == "pippy._pipe_split.default";
  });
  for (ir::Node& node : graph.nodes) {
    for (ir::NamedArg& input : node.inputs) {
      if (auto* sub = std::get_if<ir::SubGraph>(&input.arg.value)) {
        auto block = std::make_shared<ir::Graph>(*sub->graph);
        drop_markers(*block);
        sub->graph = std::move(block);
      }
    }
  }
}

}  // namespace

void write_torchscript(
    const fs::path& path,
    const ir::Graph& graph,
    const Model& source,
    bool whole_output,
    Sync sync) {
  const auto* details = dynamic_cast<const ts::Details*>(source.details.get());
  check(details != nullptr, "a TorchScript model has its details");
  ir::Graph written = graph;
  // LibTorch drops them too when it reads the code back.
  drop_markers(written);
  ts::drop_dead_nodes(written);
  try {
    ts::ModuleTree modules(written, source);
    const auto code = ts::to_code(
        written, modules, whole_output ? &details->returned : nullptr);
    const c10::ClassTypePtr type = modules.root()._ivalue()->type();
    torch::jit::Function* forward = modules.unit()->create_function(
        c10::QualifiedName(*type->name(), "forward"), code);
    type->addMethod(forward);
    const Workplace workplace(path);
    modules.root().save(
        workplace.file().string(), {{ts::kGraphFile, ir::to_text(written)}});
    if (sync == Sync::Now) {
      sync_path(workplace.file());
    }
    fs::rename(workplace.file(), path);
  } catch (const fs::filesystem_error& error) {
    throw runtime_error(
        "can't write " + path.string() + ": " + error.code().message());
  } catch (const c10::Error& error) {
    throw runtime_error(
        "can't write " + path.string() + ": " +
        ts::first_line(error.what_without_backtrace()));
  }
}

}  // namespace pp
