#include "core/router.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace fanwire {
namespace {

std::shared_ptr<const Endpoint> MakeEndpoint(uint16_t index, const char* pattern) {
  EndpointOptions options;
  options.pattern = pattern;
  std::shared_ptr<const Endpoint> endpoint;
  EXPECT_TRUE(Endpoint::Make(index, options, &endpoint).ok());
  return endpoint;
}

TEST(RouterTest, TheFirstThatMatchesAnswers) {
  auto table = std::make_shared<const RouteTable>();
  table = table->With(MakeEndpoint(0, "/chat/lobby"));
  table = table->With(MakeEndpoint(1, "/chat/:room"));
  table = table->With(MakeEndpoint(2, "/**"));
  PathParams params;
  EXPECT_EQ(table->Find("/chat/lobby", &params)->index, 0);
  EXPECT_TRUE(params.empty());
  EXPECT_EQ(table->Find("/chat/news", &params)->index, 1);
  ASSERT_EQ(params.size(), 1u);
  EXPECT_EQ(params[0].second, "news");
  EXPECT_EQ(table->Find("/other", &params)->index, 2);
  EXPECT_TRUE(params.empty());
}

TEST(RouterTest, NothingMatchesInAnEmptyTable) {
  const RouteTable table;
  EXPECT_EQ(table.Find("/", nullptr), nullptr);
  EXPECT_EQ(table.At(0), nullptr);
}

TEST(RouterTest, AnOldTableStaysAsItWas) {
  const auto old = std::make_shared<const RouteTable>();
  const auto table = old->With(MakeEndpoint(0, "/a"));
  EXPECT_EQ(old->size(), 0u);
  EXPECT_EQ(old->Find("/a", nullptr), nullptr);
  EXPECT_EQ(table->At(0)->index, 0);
  EXPECT_EQ(table->At(1), nullptr);
}

TEST(RouterTest, ParamsOfAPatternThatFailedAreForgotten) {
  auto table = std::make_shared<const RouteTable>();
  table = table->With(MakeEndpoint(0, "/:a/:b/no"));
  table = table->With(MakeEndpoint(1, "/:x/:y/yes"));
  PathParams params;
  ASSERT_EQ(table->Find("/1/2/yes", &params)->index, 1);
  ASSERT_EQ(params.size(), 2u);
  EXPECT_EQ(params[0].first, "x");
}

TEST(RouterTest, AnEndpointChecksItsPatternAndItsRoom) {
  EndpointOptions options;
  options.pattern = "no-slash";
  std::shared_ptr<const Endpoint> endpoint;
  EXPECT_EQ(Endpoint::Make(0, options, &endpoint).code(), "ERR_FANWIRE_PATTERN");
  options.pattern = "/:room";
  options.publish_to = ":rooom";
  EXPECT_EQ(Endpoint::Make(0, options, &endpoint).code(), "ERR_FANWIRE_PATTERN");
  EXPECT_EQ(endpoint, nullptr);
  options.publish_to = "chat/:room";
  EXPECT_TRUE(Endpoint::Make(3, options, &endpoint).ok());
  EXPECT_EQ(endpoint->index, 3);
}

}  // namespace
}  // namespace fanwire
