#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "loader/core/error.h"
#include "runtime/job/job.h"

// Every error of a job file, with exact text and place.
namespace pp {
namespace {

struct Case {
  std::string_view name;
  std::string_view text;
  std::string_view error;
  std::vector<std::string> overrides = {};
};

void PrintTo(const Case& wrong, std::ostream* out) {
  *out << wrong.name;
}

class WrongJob : public testing::TestWithParam<Case> {};

TEST_P(WrongJob, IsRefusedWithItsPlace) {
  const Case& wrong = GetParam();
  try {
    parse_job(wrong.text, "job.toml", "/jobs", wrong.overrides);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(std::string_view(error.what()), wrong.error);
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
  }
}

constexpr std::string_view kModel = "[model]\npath = 'm.pt2'\n";
// A training job with room for one more line, 12, in [train].
constexpr std::string_view kTrain =
    "[model]\npath = 'm.pt2'\n[data]\nbatch_size = 8\n"
    "inputs.x.path = 'x.npy'\ntarget.path = 'y.npy'\n"
    "[train]\nloss.name = 'mse'\noptimizer.name = 'sgd'\n";
constexpr std::string_view kData =
    "[model]\npath = 'm.pt2'\n[data]\nbatch_size = 8\n";

const Case kCases[] = {
    // Errors of TOML itself.
    {"NotToml",
     "[model]\npath = m.pt2\n",
     "job.toml:2:8: Error while parsing value: could not determine value "
     "type"},
    {"KeyTwice",
     "[model]\npath = 'a'\npath = 'b'\n",
     "job.toml:3:8: Error while parsing key-value pair: cannot redefine "
     "existing string 'path'"},

    // Names.
    {"UnknownKey",
     "[model]\npath = 'm.pt2'\n[train]\n  step = 3\n",
     "job.toml:4:3: unknown key 'train.step'; did you mean 'train.steps' "
     "or 'train.seed'?"},
    {"UnknownTable",
     "[modle]\npath = 'm.pt2'\n",
     "job.toml:1:2: unknown key 'modle'; did you mean 'model'?"},
    {"KeyOfAnotherTable",
     "[model]\npath = 'm.pt2'\nbatch_size = 3\n",
     "job.toml:3:1: unknown key 'model.batch_size'; did you mean "
     "'data.batch_size' or 'eval.data.batch_size'?"},
    {"UnknownKeyOfAnInput",
     "[data]\ninputs.x = { path = 'x.npy', windw = 4 }\n",
     "job.toml:2:30: unknown key 'data.inputs.x.windw'; did you mean "
     "'data.inputs.x.window'?"},
    {"UnknownKeyOfANestedInput",
     "[data]\ninputs.cond.text = { pth = 'x.npy' }\n",
     "job.toml:2:22: unknown key 'data.inputs.cond.text.pth'; did you mean "
     "'data.inputs.cond.text.path'?"},
    {"NestedInputTwice",
     "[data]\ninputs.cond.text.path = 'x.npy'\n"
     "inputs.\"cond.text\".path = 'x.npy'\n",
     "job.toml:3:8: 'cond.text' is given twice, once with quotes and once "
     "without; leave one out"},
    {"UnknownKeyOfTheEvalTarget",
     "[eval]\ndata.target = { pth = 'x.npy' }\n",
     "job.toml:2:17: unknown key 'eval.data.target.pth'; did you mean "
     "'eval.data.target.path'?"},
    {"FirstFaultByLineIsTold",
     "[train]\nzzz = 1\n[model]\naaa = 1\n",
     "job.toml:2:1: unknown key 'train.zzz'"},

    // Types.
    {"StringForInteger",
     "[train]\nsteps = '3'\n",
     "job.toml:2:9: train.steps: expected an integer >= 0, got \"3\""},
    {"NumberForInteger",
     "[train]\nsteps = 3.5\n",
     "job.toml:2:9: train.steps: expected an integer >= 0, got 3.5"},
    {"IntegerForString",
     "[model]\npath = 3\n",
     "job.toml:2:8: model.path: expected a string, got 3"},
    {"IntegerForBool",
     "[data]\nshuffle = 1\n",
     "job.toml:2:11: data.shuffle: expected `true` or `false`, got 1"},
    {"StringForList",
     "[pipeline]\nrank_map = '0'\n",
     "job.toml:2:12: pipeline.rank_map: expected a list of integers >= 0, got "
     "\"0\""},
    {"MixedList",
     "[split]\nat = ['layers.2', 3]\n",
     "job.toml:2:6: split.at: expected a list of strings, got "
     "[\"layers.2\", 3]"},
    {"ValueForTable",
     "[train]\nloss = 3\n",
     "job.toml:2:8: train.loss: expected a table, got 3"},
    {"TableForValue",
     "[train]\nsteps = { a = 1 }\n",
     "job.toml:2:9: train.steps: expected an integer >= 0, got a table"},
    {"EmptyString",
     "[model]\npath = ''\n",
     "job.toml:2:8: model.path must not be empty"},

    // Ranges and choices.
    {"TooSmall",
     "[pipeline]\nmicrobatches = 0\n",
     "job.toml:2:16: pipeline.microbatches: expected an integer >= 1, got 0"},
    {"NotAboveZero",
     "[train]\nclip_grad_norm = 0\n",
     "job.toml:2:18: train.clip_grad_norm: expected a number > 0, got 0"},
    {"NegativeSeed",
     "[train]\nseed = -1\n",
     "job.toml:2:8: train.seed: expected an integer >= 0, or `clock`, got -1"},
    {"NotFinite",
     "[train]\noptimizer.lr = inf\n",
     "job.toml:2:16: train.optimizer.lr: expected a number >= 0, got inf"},
    {"NoSuchChoice",
     "[pipeline]\nlauncher = 'locl'\n",
     "job.toml:2:12: pipeline.launcher: expected `auto`, `local`, `processes` "
     "or "
     "`env`, got \"locl\"; did you mean 'local'?"},
    {"NoSuchLoss",
     "[train]\nloss.name = 'crossentropie'\n",
     "job.toml:2:13: train.loss.name: expected `cross_entropy`, `mse`, `l1`, "
     "`nll` or `bce_with_logits`, got \"crossentropie\"; did you mean "
     "'cross_entropy'?"},
    {"NoSuchLrSchedule",
     "[train]\nlr_schedule.name = 'cosin'\n",
     "job.toml:2:20: train.lr_schedule.name: expected `constant`, `linear`, "
     "`cosine`, `wsd` or `one_cycle`, got \"cosin\"; did you mean 'cosine' or "
     "'constant'?"},
    {"NoSideOfAModule",
     "[model]\npath = 'm.pt2'\n[split]\nat = ['h.2:middle']\n",
     "job.toml:4:7: split point 'h.2:middle': 'middle' is not a side of a "
     "module; "
     "write 'FQN' to cut before it or 'FQN:end' to cut after it"},
    {"NoSuchDevice",
     "[pipeline]\ndevice = 'cuda:x'\n",
     "job.toml:2:10: pipeline.device: expected `cpu`, `cuda` or `cuda:N`, got "
     "\"cuda:x\"; did you mean 'cuda:N' or 'cuda'?"},

    // Not yet supported.
    {"Tensor",
     "[parallel]\ntensor = 2\n",
     "job.toml:2:10: parallel.tensor = 2 is not yet supported; leave it out "
     "or write 1"},
    {"RankMap",
     "[pipeline]\nrank_map = [0, -1]\n",
     "job.toml:2:16: pipeline.rank_map: expected a list of integers >= 0, got "
     "-1"},
    {"GroupWithoutMatch",
     "[train]\ngroups = [{ lr = 0.1 }]\n",
     "job.toml:2:11: train.groups needs a match, e.g. { match = \"*.bias\", "
     "... }"},
    {"GroupOfAnUnknownOption",
     "[train]\ngroups = [{ match = '*', decay = 0.1 }]\n",
     "job.toml:2:26: unknown key 'decay' in train.groups; a group has match "
     "and the optimizer's options"},

    // Keys that don't fit together.
    {"LengthsOfWindows",
     "model.path = 'm.pt2'\n[data]\nbatch_size = 4\n"
     "inputs.x = { path = 'x.npy', lengths = 'len.npy', window = 4 }\n",
     "job.toml:4:30: data.inputs.x.lengths can't be combined with window, "
     "split_dim or shape"},
    {"PadWithoutLengths",
     "model.path = 'm.pt2'\n[data]\nbatch_size = 4\ninputs.x = { path = "
     "'x.npy', pad = 1 }\n",
     "job.toml:4:30: data.inputs.x.pad needs lengths"},
    {"MaskOfNothing",
     "model.path = 'm.pt2'\n[data]\nbatch_size = 4\ninputs.x = { path = "
     "'x.npy' }\n"
     "inputs.m = { mask = 'x' }\n",
     "job.toml:5:14: data.inputs.m.mask names 'x', which is not an input with "
     "lengths"},
    {"NoModel",
     "[pipeline]\nranks = 2\n",
     "job.toml: [model] needs path (a saved model) or stages (a stage "
     "directory)"},
    {"ModelAndStages",
     "[model]\npath = 'm.pt2'\nstages = 'stages'\n",
     "job.toml:1:2: [model] has both path and stages; leave one out"},
    {"NoStageFiles",
     "[model]\nstages = []\n",
     "job.toml:2:1: model.stages is empty; list the stages' files in order, or "
     "name a stage directory"},
    {"SplitOfStages",
     "[model]\nstages = 'stages'\n[split]\nat = ['a']\n",
     "job.toml:3:2: [split] needs model.path; model.stages is already "
     "split"},
    {"AtAndStages",
     "[model]\npath = 'm.pt2'\n[split]\nat = ['a']\nstages = 2\n",
     "job.toml:5:1: [split] has both at and stages; leave one out"},
    {"BatchSmallerThanMicrobatches",
     "[model]\npath = 'm.pt2'\n[pipeline]\nmicrobatches = 9\n[data]\n"
     "batch_size = 8\ninputs.x.path = 'x.npy'\n",
     "job.toml:4:1: batch_size 8 is smaller than microbatches 9, and every "
     "microbatch needs a row; set batch_size to 9 or more"},
    {"NoBatchSize",
     "[model]\npath = 'm.pt2'\n[data]\ninputs.x.path = 'x.npy'\n",
     "job.toml:3:2: [data] needs batch_size, the number of rows per step"},
    {"NoInputs",
     kData,
     "job.toml:3:2: [data] needs inputs: inputs.NAME = { path = \"...\" } for "
     "each input of the model"},
    {"InputWithoutPath",
     kData,
     "--set data.inputs.x.window=3: data.inputs.x needs path",
     {"data.inputs.x.window=3"}},
    {"BinWithoutDtype",
     kData,
     "--set data.inputs.x.path=x.bin: data.inputs.x needs dtype: a .bin "
     "doesn't state its type",
     {"data.inputs.x.path=x.bin"}},
    {"ShiftWithoutWindow",
     "[model]\npath = 'm.pt2'\n[data]\nbatch_size = 8\n"
     "inputs.x = { path = 'x.npy', shift = 1 }\n",
     "job.toml:5:30: data.inputs.x.shift needs window or lengths"},
    {"TargetWithoutTraining",
     "[model]\npath = 'm.pt2'\n[data]\nbatch_size = 8\n"
     "inputs.x.path = 'x.npy'\ntarget.path = 'y.npy'\n",
     "job.toml:6:1: data.target needs [train]; inference has no loss"},
    {"TrainingWithoutData",
     "[model]\npath = 'm.pt2'\n[train]\nsteps = 1\nloss.name = 'mse'\n",
     "job.toml:3:2: [train] needs [data]"},
    {"StepsAndEpochs",
     kTrain,
     "--set train.epochs=2: [train] has both steps and epochs; leave one out",
     {"train.steps=1", "train.epochs=2"}},
    {"NeitherStepsNorEpochs",
     kTrain,
     "job.toml:7:2: [train] needs steps or epochs"},
    {"NoLoss",
     "[model]\npath = 'm.pt2'\n[train]\nsteps = 1\n",
     "job.toml:3:2: [train] needs loss: { name = \"cross_entropy\" }, or { "
     "output = \"loss\" } if the graph computes its own"},
    {"LossWithoutTarget",
     "[model]\npath = 'm.pt2'\n[data]\nbatch_size = 8\n"
     "inputs.x.path = 'x.npy'\n[train]\nsteps = 1\nloss.name = 'mse'\n",
     "job.toml:8:1: train.loss compares with data.target, which is missing"},
    {"OptionOfAnotherOptimizer",
     kTrain,
     "--set train.optimizer.eps=1e-8: train.optimizer.eps is not an option of "
     "sgd; its options are lr, weight_decay, momentum, dampening, nesterov",
     {"train.steps=1", "train.optimizer.eps=1e-8"}},
    {"BetaOfOne",
     "[model]\npath = 'm.pt2'\n[data]\nbatch_size = 8\n"
     "inputs.x.path = 'x.npy'\ntarget.path = 'y.npy'\n"
     "[train]\nsteps = 1\nloss.name = 'mse'\n"
     "optimizer = { name = 'adam', betas = [0.9, 1.0] }\n",
     "job.toml:10:44: train.optimizer.betas: expected a list of two numbers >= "
     "0 "
     "and < 1, got 1"},
    {"IntegerThatADoubleRounds",
     kTrain,
     "--set parallel.replicas=9223372036854775807: parallel.replicas: expected "
     "an integer >= 1, got 9223372036854775807; the largest is 1048576",
     {"train.steps=1", "parallel.replicas=9223372036854775807"}},
    {"WarmupLongerThanTheRun",
     kTrain,
     "--set train.lr_schedule.warmup=5: train.lr_schedule.warmup is 5, more "
     "than the run's 4 steps",
     {"train.steps=4", "train.lr_schedule.warmup=5"}},
    {"MinLrAboveLr",
     kTrain,
     "--set train.lr_schedule.min_lr=0.5: train.lr_schedule.min_lr is 0.5, "
     "more than train.optimizer.lr, 0.003",
     {"train.steps=4",
      "train.optimizer.lr=0.003",
      "train.lr_schedule.min_lr=0.5"}},
    {"EvalWithoutTraining",
     "[model]\npath = 'm.pt2'\n[eval]\nevery = 3\n",
     "job.toml:3:2: [eval] needs [train], which defines the loss; to "
     "evaluate without training, add [train] with steps = 0"},
    {"EvalWithoutTarget",
     kTrain,
     "--set eval.data.inputs.x.path=v.npy: eval.data needs target: the loss "
     "compares with it",
     {"train.steps=1", "eval.data.inputs.x.path=v.npy"}},

    // --set itself.
    {"SetWithoutValue",
     kModel,
     "--set train.steps: write it as --set key.path=value",
     {"train.steps"}},
    {"SetTooLargeANumber",
     kModel,
     "--set train.steps=99999999999999999999: 99999999999999999999 is not a "
     "64-bit integer",
     {"train.steps=99999999999999999999"}},
    {"SetOverridesTheFile",
     "[model]\npath = 'm.pt2'\n[pipeline]\nmicrobatches = 4\n[data]\n"
     "batch_size = 8\ninputs.x.path = 'x.npy'\n",
     "--set pipeline.microbatches=9: batch_size 8 is smaller than microbatches "
     "9, and every microbatch needs a row; set batch_size to 9 or more",
     {"pipeline.microbatches=9"}},
    {"SetTooLong",
     kModel,
     "--set pipeline.stall_timeout=1e300: pipeline.stall_timeout: expected a "
     "number > 0 and <= 1000000, got 1e+300",
     {"pipeline.stall_timeout=1e300"}},
    {"SetUnknownKey",
     kModel,
     "--set pipeline.rank=2: unknown key 'pipeline.rank'; did you mean "
     "'pipeline.ranks' or 'pipeline.rank_map' or 'pipeline.stages_per_rank'?",
     {"pipeline.rank=2"}},
    {"SetWrongType",
     kModel,
     "--set pipeline.ranks=two: pipeline.ranks: expected an integer >= 1, "
     "got \"two\"",
     {"pipeline.ranks=two"}},
};

INSTANTIATE_TEST_SUITE_P(
    Job,
    WrongJob,
    testing::ValuesIn(kCases),
    [](const testing::TestParamInfo<Case>& test) {
      return std::string(test.param.name);
    });

TEST(Job, MissingFileIsAnInputError) {
  try {
    load_job("/nowhere/job.toml");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_STREQ(
        error.what(), "can't read /nowhere/job.toml: no such job file");
    EXPECT_EQ(error.kind(), ErrorKind::Input);
  }
}

}  // namespace
}  // namespace pp
