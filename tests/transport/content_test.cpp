#include <limits>

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include "tests/transport/contract.h"

namespace pp::testing {
namespace {

class Content : public TransportContract {
 protected:
  /// Sends `message` from rank 0 to rank 1 and hands it to `look` there.
  void deliver(
      const Message& message, const std::function<void(const Message&)>& look) {
    run(2, [&](Transport& t) {
      if (t.rank() == 0) {
        t.send(message, 1)->wait(kSoon);
      } else {
        look(t.recv(0)->wait(kSoon));
      }
    });
  }
};

TEST_P(Content, EveryDtype) {
  Message message;
  for (const auto dtype :
       {at::kBool,
        at::kByte,
        at::kChar,
        at::kShort,
        at::kInt,
        at::kLong,
        at::kHalf,
        at::kBFloat16,
        at::kFloat,
        at::kDouble,
        at::kComplexFloat,
        at::kComplexDouble,
        at::kFloat8_e4m3fn}) {
    message.tensors.push_back(at::rand({3, 5}).mul(2).to(dtype));
    message.tensors.push_back(at::rand({3, 5000}).mul(2).to(dtype));
  }
  deliver(message, [&](const Message& got) {
    ASSERT_EQ(got.tensors.size(), message.tensors.size());
    for (size_t i = 0; i < got.tensors.size(); ++i) {
      const at::Tensor& a = got.tensors[i];
      const at::Tensor& b = message.tensors[i];
      EXPECT_EQ(a.scalar_type(), b.scalar_type());
      EXPECT_TRUE(at::equal(
          a.contiguous().view(at::kByte), b.contiguous().view(at::kByte)))
          << b.scalar_type();
    }
  });
}

TEST_P(Content, DenseTensorsKeepTheirStrides) {
  const at::Tensor base = at::randn({2, 3, 40, 50});
  Message message;
  message.tensors = {
      base,
      base.permute({3, 1, 0, 2}),
      base.contiguous(at::MemoryFormat::ChannelsLast),
      at::randn({7, 5}).t(),
      at::randn({4, 6}).select(0, 2),  // dense, inside a larger storage
  };
  deliver(message, [&](const Message& got) {
    for (size_t i = 0; i < message.tensors.size(); ++i) {
      EXPECT_EQ(got.tensors.at(i).strides(), message.tensors[i].strides());
      EXPECT_TRUE(at::equal(got.tensors.at(i), message.tensors[i]));
    }
  });
}

TEST_P(Content, OverlappingAndGappedOnesBecomeDenseInTheSameOrder) {
  Message message;
  message.tensors = {
      at::randn({1, 5}).expand({4, 5}),
      at::randn({6, 100}).slice(1, 0, 80),
      at::randn({10}).as_strided({3, 4}, {2, 1}),
      at::arange(12).slice(0, 0, 12, 3),
      at::randn({2, 4, 5, 9}).slice(3, 3, 6).permute({0, 3, 1, 2}),
      at::randn({6, 100}).slice(1, 0, 80).t(),
  };
  deliver(message, [&](const Message& got) {
    for (size_t i = 0; i < message.tensors.size(); ++i) {
      const at::Tensor& tensor = message.tensors[i];
      EXPECT_EQ(got.tensors.at(i).strides(), tensor.clone().strides()) << i;
      EXPECT_TRUE(got.tensors[i].is_non_overlapping_and_dense()) << i;
      EXPECT_TRUE(at::equal(got.tensors[i], tensor)) << i;
    }
    EXPECT_TRUE(
        got.tensors.at(4).is_contiguous(at::MemoryFormat::ChannelsLast));
  });
}

TEST_P(Content, EmptyUndefinedAndZeroDimensional) {
  Message message;
  message.tensors = {
      at::Tensor(),
      at::empty({0}),
      at::empty({3, 0, 4}),
      at::empty({0, 1}).expand({0, 7}),
      at::full({}, 4.5),
      at::full({1, 1}, 2).as_strided({1, 1}, {17, 9}),
      at::Tensor(),
  };
  deliver(message, [&](const Message& got) {
    ASSERT_EQ(got.tensors.size(), message.tensors.size());
    for (size_t i = 0; i < message.tensors.size(); ++i) {
      ASSERT_EQ(got.tensors[i].defined(), message.tensors[i].defined());
      if (got.tensors[i].defined()) {
        EXPECT_TRUE(at::equal(got.tensors[i], message.tensors[i]));
      }
    }
  });
}

TEST_P(Content, PendingConjugationAndNegationAreResolved) {
  const at::Tensor z = at::rand({4, 4}, at::kComplexFloat);
  Message message;
  message.tensors = {z.conj(), at::randn({4, 4})._neg_view()};
  deliver(message, [&](const Message& got) {
    for (size_t i = 0; i < 2; ++i) {
      EXPECT_FALSE(got.tensors.at(i).is_conj());
      EXPECT_FALSE(got.tensors.at(i).is_neg());
      EXPECT_TRUE(at::equal(got.tensors[i], message.tensors[i]));
    }
  });
}

TEST_P(Content, TensorsArriveWithoutTheSendersGraph) {
  Message message;
  message.tensors = {at::randn({3}).requires_grad_(true).mul(2)};
  deliver(message, [&](const Message& got) {
    EXPECT_FALSE(got.tensors.at(0).requires_grad());
  });
}

TEST_P(Content, NoTensorsButNumbers) {
  Message message;
  message.stage = 7;
  message.microbatch = 11;
  message.requires_grad = {1, 0, 1};
  message.ints = {-1, 0, std::numeric_limits<int64_t>::max()};
  deliver(message, [&](const Message& got) {
    EXPECT_EQ(got.stage, 7);
    EXPECT_EQ(got.microbatch, 11);
    EXPECT_EQ(got.requires_grad, message.requires_grad);
    EXPECT_EQ(got.ints, message.ints);
    EXPECT_TRUE(got.tensors.empty());
  });
}

TEST_P(Content, ADescriptionLongerThanAHeader) {
  Message message;
  for (int i = 0; i < 300; ++i) {
    message.tensors.push_back(at::full({2, 3, i % 4}, i));
    message.ints.push_back(i);
  }
  deliver(message, [&](const Message& got) {
    ASSERT_EQ(got.tensors.size(), 300u);
    for (size_t i = 0; i < 300; ++i) {
      EXPECT_TRUE(at::equal(got.tensors[i], message.tensors[i]));
    }
    EXPECT_EQ(got.ints, message.ints);
  });
}

TEST_P(Content, SixteenMebibytes) {
  Message message;
  message.tensors = {at::randn({4 << 20}), at::randn({3})};
  deliver(message, [&](const Message& got) {
    EXPECT_TRUE(at::equal(got.tensors.at(0), message.tensors[0]));
    EXPECT_TRUE(at::equal(got.tensors.at(1), message.tensors[1]));
  });
}

TEST_P(Content, SizesMayChangeFromMessageToMessage) {
  run(2, [](Transport& t) {
    for (const int64_t size : {10, 100000, 3, 0, 50000, 7}) {
      if (t.rank() == 0) {
        Message message;
        message.tensors = {at::full({size}, size)};
        t.send(std::move(message), 1)->wait(kSoon);
      } else {
        const Message got = t.recv(0)->wait(kSoon);
        EXPECT_TRUE(at::equal(got.tensors.at(0), at::full({size}, size)));
      }
    }
  });
}

INSTANTIATE_TEST_SUITE_P(
    Transports, Content, ::testing::ValuesIn(backends()), backend_name);

}  // namespace
}  // namespace pp::testing
