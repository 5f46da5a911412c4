#include "runtime/job/words.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "loader/core/text.h"

namespace pp {
namespace {

struct Foreign {
  std::string_view name;  ///< as plain() returns it
  std::string_view ours;
};

/// Names of a job's keys in torch, Lightning, TorchTitan, nanoGPT and the
/// trainer of Hugging Face.
constexpr std::array kForeignKeys = std::to_array<Foreign>({
    {"activationcheckpointing", "pipeline.recompute"},
    {"amp", "train.precision"},
    {"annealstrategy", "train.lr_schedule.anneal"},
    {"autocast", "train.precision"},
    {"batch", "data.batch_size"},
    {"bf16", "train.precision"},
    {"checkpointinterval", "output.checkpoint_every"},
    {"chunks", "pipeline.microbatches"},
    {"ckptpath", "model.checkpoint"},
    {"classweight", "train.loss.weights"},
    {"classweights", "train.loss.weights"},
    {"clipgrad", "train.clip_grad_norm"},
    {"computemetrics", "eval.metrics"},
    {"criterion", "train.loss"},
    {"dataparallelsize", "parallel.replicas"},
    {"decay", "train.optimizer.weight_decay"},
    {"decaysteps", "train.lr_schedule.decay"},
    {"decaytype", "train.lr_schedule.anneal"},
    {"droplast", "data.drop_last"},
    {"dtype", "train.precision"},
    {"earlystopping", "train.early_stop"},
    {"earlystoppingpatience", "train.early_stop.patience"},
    {"earlystoppingthreshold", "train.early_stop.min_delta"},
    {"emadecay", "train.ema.decay"},
    {"epoch", "train.epochs"},
    {"exporttype", "output.export_dtype"},
    {"epochs", "train.epochs"},
    {"evalinterval", "eval.every"},
    {"evalsteps", "eval.every"},
    {"fp16", "train.precision"},
    {"globalbatchsize", "data.batch_size"},
    {"gradclip", "train.clip_grad_norm"},
    {"gradientaccumulationsteps", "train.accumulate"},
    {"gradientcheckpointing", "pipeline.recompute"},
    {"gradientclipval", "train.clip_grad_norm"},
    {"iterations", "train.steps"},
    {"iters", "train.steps"},
    {"labels", "data.target"},
    {"labelsmoothing", "train.loss.label_smoothing"},
    {"labelsmoothingfactor", "train.loss.label_smoothing"},
    {"learningrate", "train.optimizer.lr"},
    {"loadbestmodelatend", "output.keep_best"},
    {"localbatchsize", "data.batch_size"},
    {"lr", "train.optimizer.lr"},
    {"lrdecaytype", "train.lr_schedule.anneal"},
    {"lrscheduler", "train.lr_schedule"},
    {"lrschedulertype", "train.lr_schedule"},
    {"manualseed", "train.seed"},
    {"maxepochs", "train.epochs"},
    {"maxgradnorm", "train.clip_grad_norm"},
    {"maxiters", "train.steps"},
    {"maxlr", "train.optimizer.lr"},
    {"maxnorm", "train.clip_grad_norm"},
    {"maxsteps", "train.steps"},
    {"maxtime", "train.max_time"},
    {"maxwalltime", "train.max_time"},
    {"metricforbestmodel", "output.keep_best"},
    {"metrics", "eval.metrics"},
    {"mindelta", "train.early_stop.min_delta"},
    {"minlr", "train.lr_schedule.min_lr"},
    {"monitor", "train.early_stop.metric"},
    {"nmicrobatches", "pipeline.microbatches"},
    {"nprocpernode", "pipeline.ranks"},
    {"numdecaysteps", "train.lr_schedule.decay"},
    {"numepochs", "train.epochs"},
    {"nummicrobatches", "pipeline.microbatches"},
    {"numsteps", "train.steps"},
    {"numtrainepochs", "train.epochs"},
    {"optim", "train.optimizer"},
    {"optimizer", "train.optimizer"},
    {"outputdir", "output.dir"},
    {"patience", "train.early_stop.patience"},
    {"perdevicetrainbatchsize", "data.batch_size"},
    {"pipelineparalleldegree", "pipeline.ranks"},
    {"randomseed", "train.seed"},
    {"resumefromcheckpoint", "model.checkpoint"},
    {"savebest", "output.keep_best"},
    {"saveevery", "output.checkpoint_every"},
    {"savesteps", "output.checkpoint_every"},
    {"savetopk", "output.keep_best"},
    {"savetotallimit", "output.keep"},
    {"scheduler", "train.lr_schedule"},
    {"smoothing", "train.loss.label_smoothing"},
    {"splitpoints", "split.at"},
    {"splitspec", "split.at"},
    {"targets", "data.target"},
    {"timelimit", "train.max_time"},
    {"totalsteps", "train.steps"},
    {"trainbatchsize", "data.batch_size"},
    {"warmup", "train.lr_schedule.warmup"},
    {"warmupiters", "train.lr_schedule.warmup"},
    {"warmupsteps", "train.lr_schedule.warmup"},
    {"wd", "train.optimizer.weight_decay"},
    {"worldsize", "pipeline.ranks"},
    {"zerostage", "parallel.zero"},
});

constexpr std::array kForeignWords = std::to_array<Foreign>({
    {"acc", "accuracy"},
    {"bce", "bce_with_logits"},
    {"ce", "cross_entropy"},
    {"constantlr", "constant"},
    {"cos", "cosine"},
    {"cosineannealinglr", "cosine"},
    {"double", "float64"},
    {"eval", "loss"},
    {"gpu", "cuda"},
    {"half", "fp16"},
    {"l2", "mse"},
    {"linearlr", "linear"},
    {"long", "int64"},
    {"mae", "l1"},
    {"meansquarederror", "mse"},
    {"moonshot", "match_rms_adamw"},
    {"onecyclelr", "one_cycle"},
    {"ppl", "perplexity"},
    {"random", "clock"},
    {"time", "clock"},
    {"top5", "accuracy_top5"},
    {"warmupstabledecay", "wsd"},
    {"xent", "cross_entropy"},
});

void replace(std::string& text, std::string_view from, std::string_view to) {
  if (const size_t at = text.find(from); at != std::string::npos) {
    text.replace(at, from.size(), to);
  }
}

/// The form in which words are compared.
std::string plain(std::string_view word) {
  for (const std::string_view package : {"torch.", "nn.", "optim.", "F."}) {
    if (word.starts_with(package)) {
      word.remove_prefix(word.rfind('.') + 1);
    }
  }
  std::string out;
  for (const char c : word) {
    if (c != '_' && c != '-') {
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  if (out.size() > 4 && out.ends_with("loss")) {
    out.resize(out.size() - 4);
  }
  replace(out, "bfloat", "bf");
  replace(out, "float", "fp");
  return out;
}

std::string_view find_foreign(
    std::span<const Foreign> table, std::string_view name) {
  const std::string wanted = plain(name);
  const auto found = std::ranges::find(table, wanted, &Foreign::name);
  return found == table.end() ? std::string_view() : found->ours;
}

}  // namespace

std::string_view word_for(const JobKey& key, std::string_view written) {
  const std::string wanted = plain(written);
  for (const std::string_view choice : key.choices) {
    if (!choice.ends_with(":N") && plain(choice) == wanted) {
      return choice;
    }
  }
  return written;
}

std::string nearest_words(const JobKey& key, std::string_view unknown) {
  const std::vector<std::string> choices(
      key.choices.begin(), key.choices.end());
  const std::string ours(find_foreign(kForeignWords, unknown));
  if (std::ranges::find(choices, ours) != choices.end()) {
    return "; did you mean '" + ours + "'?";
  }
  return did_you_mean(unknown, choices);
}

std::string_view key_for_foreign_name(std::string_view name) {
  return find_foreign(kForeignKeys, name);
}

std::vector<std::string_view> foreign_names() {
  std::vector<std::string_view> names;
  for (const Foreign& row : kForeignKeys) {
    names.push_back(row.name);
  }
  return names;
}

}  // namespace pp
