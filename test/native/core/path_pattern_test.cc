#include "core/path_pattern.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fanwire {
namespace {

PathPattern Parsed(std::string_view text) {
  PathPattern pattern;
  const Status status = PathPattern::Parse(text, &pattern);
  EXPECT_TRUE(status.ok()) << text << ": " << status.message();
  return pattern;
}

// "no", or "yes" and what the names took.
std::string Matched(std::string_view pattern, std::string_view path) {
  PathParams params;
  const PathPattern parsed = Parsed(pattern);
  if (!parsed.Match(path, &params)) return "no";
  std::string text = "yes";
  for (const auto& [name, value] : params) text += " " + std::string(name) + "=" + value;
  return text;
}

TEST(PathPatternTest, MatchesWholePaths) {
  const struct {
    const char *pattern, *path, *expected;
  } kCases[] = {
      {"/", "/", "yes"},
      {"/", "", "no"},
      {"/", "//", "no"},
      {"/", "/a", "no"},
      {"/chat", "/chat", "yes"},
      {"/chat", "/chat/", "no"},
      {"/chat/", "/chat/", "yes"},
      {"/chat/", "/chat", "no"},
      {"/chat", "/Chat", "no"},
      {"/chat", "/chatter", "no"},
      {"/chat", "/cha", "no"},
      {"/chat", "chat", "no"},
      {"/chat", "/%63hat", "yes"},
      {"/chat", "/%6", "no"},
      {"/a/b/c", "/a/b/c", "yes"},
      {"/a/b/c", "/a/b", "no"},
      {"/a/b", "/a//b", "no"},
      {"/chat/:room", "/chat/news", "yes room=news"},
      {"/chat/:room", "/chat/", "no"},
      {"/chat/:room", "/chat", "no"},
      {"/chat/:room", "/chat/a/b", "no"},
      {"/chat/:room", "/chat/news/", "no"},
      {"/chat/:room", "/chat/a%20b", "yes room=a b"},
      {"/chat/:room", "/chat/%C3%A4", "yes room=\xC3\xA4"},
      {"/chat/:room", "/chat/__proto__", "yes room=__proto__"},
      {"/chat/:room", "/chat/%2e%2e", "yes room=.."},
      {"/chat/:room", "/chat/a%2Fb", "no"},
      {"/chat/:room", "/chat/%2f", "no"},
      {"/a/b", "/a%2Fb", "no"},
      {"/chat/:room", "/chat/a+b", "yes room=a+b"},
      {"/:a/:b", "/1/2", "yes a=1 b=2"},
      {"/:a/x/:b", "/1/x/2", "yes a=1 b=2"},
      {"/:a/x/:b", "/1/y/2", "no"},
      {"/*/end", "/anything/end", "yes"},
      {"/*", "/", "no"},
      {"/*", "/a/b", "no"},
      {"/**", "/", "yes"},
      {"/**", "/a/b/c", "yes"},
      {"/**", "", "no"},
      {"/files/**", "/files", "yes"},
      {"/files/**", "/files/", "yes"},
      {"/files/**", "/files/a/b", "yes"},
      {"/files/**", "/filesystem", "no"},
      {"/:tenant/**", "/acme", "yes tenant=acme"},
      {"/:tenant/**", "/acme/x", "yes tenant=acme"},
      {"/:tenant/**", "/", "no"},
  };
  for (const auto& c : kCases)
    EXPECT_EQ(Matched(c.pattern, c.path), c.expected) << c.pattern << " on " << c.path;
}

TEST(PathPatternTest, HostilePathsMatchNothing) {
  const std::string nul("/chat/a\0b", 9);
  const std::string kPaths[] = {
      "/chat/%",         "/chat/%4",           "/chat/%zz",
      "/chat/%4g",       "/chat/%00",          "/chat/a%00b",
      "/chat/%FF",       "/chat/%C3",          "/chat/%C0%AF",
      "/chat/%ED%A0%80", "/chat/%F4%90%80%80", "/chat/\xFF",
      "/chat/\xC3",      "/chat/%-1",          "/chat/%+1",
      "/chat/% 1",       "/chat/%25%",         nul,
  };
  for (const std::string& path : kPaths) EXPECT_EQ(Matched("/chat/:room", path), "no") << path;
  for (const std::string& path : kPaths) EXPECT_EQ(Matched("/chat/*", path), "no") << path;
}

TEST(PathPatternTest, ALongPathIsReadOnce) {
  EXPECT_EQ(Matched("/**", std::string(1 << 20, '/')), "yes");
  EXPECT_EQ(Matched("/a", std::string(1 << 20, '/')), "no");
  const std::string name(1 << 20, 'x');
  EXPECT_EQ(Matched("/:n", "/" + name), "yes n=" + name);
}

TEST(PathPatternTest, AFailedMatchLeavesNoParams) {
  PathParams params;
  const PathPattern pattern = Parsed("/:a");
  EXPECT_TRUE(pattern.Match("/1", &params));
  EXPECT_EQ(params.size(), 1u);
  EXPECT_FALSE(pattern.Match("no", &params));
  EXPECT_TRUE(params.empty());
  EXPECT_TRUE(pattern.Match("/1", nullptr));
}

TEST(PathPatternTest, RefusesBadPatterns) {
  for (const char* text :
       {"", "chat", "*", "/**/a", "/a*", "/a**", "/:", "/:a/:a", "/:a-b", "/:a.b", "/a:b", "/a?b",
        "/a#b", "/a b", "/***", "/:room*", "/x/:\xC3\xA4"}) {
    PathPattern pattern;
    const Status status = PathPattern::Parse(text, &pattern);
    EXPECT_FALSE(status.ok()) << text;
    EXPECT_EQ(status.code(), "ERR_FANWIRE_PATTERN") << text;
  }
}

TEST(PathPatternTest, KnowsItsNames) {
  const PathPattern pattern = Parsed("/x/:room/*/**");
  EXPECT_TRUE(pattern.HasParam("room"));
  EXPECT_FALSE(pattern.HasParam("x"));
  EXPECT_FALSE(pattern.HasParam(""));
}

TEST(PercentDecodeTest, DecodesOnce) {
  std::string out = "before";
  EXPECT_TRUE(PercentDecode("", &out));
  EXPECT_EQ(out, "");
  EXPECT_TRUE(PercentDecode("a%2Fb%2fc", &out));
  EXPECT_EQ(out, "a/b/c");
  EXPECT_TRUE(PercentDecode("%2541", &out));
  EXPECT_EQ(out, "%41");
  EXPECT_TRUE(PercentDecode("%41%4a%4A", &out));
  EXPECT_EQ(out, "AJJ");
  EXPECT_FALSE(PercentDecode(std::string_view("a\0b", 3), &out));
}

std::string Expanded(std::string_view text, std::string_view pattern, std::string_view path) {
  const PathPattern parsed = Parsed(pattern);
  RoomTemplate room;
  const Status status = RoomTemplate::Parse(text, parsed, &room);
  if (!status.ok()) return status.code();
  PathParams params;
  EXPECT_TRUE(parsed.Match(path, &params));
  return room.Expand(params);
}

TEST(RoomTemplateTest, PutsValuesInPlaceOfNames) {
  const struct {
    const char *text, *pattern, *path, *expected;
  } kCases[] = {
      {"", "/", "/", ""},
      {"lobby", "/", "/", "lobby"},
      {"chat:x", "/:room", "/news", "ERR_FANWIRE_PATTERN"},
      {":room", "/:room", "/news", "news"},
      {"chat/:room", "/:room", "/news", "chat/news"},
      {"chat::room", "/:room", "/news", "chat:news"},
      {":a:b", "/:a/:b", "/1/2", "12"},
      {":a-:b", "/:a/:b", "/1/2", "1-2"},
      {":b/:a/:b", "/:a/:b", "/1/2", "2/1/2"},
      {":rooms", "/:room", "/news", "ERR_FANWIRE_PATTERN"},
      {":missing", "/", "/", "ERR_FANWIRE_PATTERN"},
      {"a:", "/", "/", "a:"},
      {": :", "/", "/", ": :"},
      {":room", "/:room", "/%3Aroom", ":room"},  // a value is never read again
      {":room", "/:room", "/__proto__", "__proto__"},
      {":room", "/:room", "/constructor", "constructor"},
  };
  for (const auto& c : kCases)
    EXPECT_EQ(Expanded(c.text, c.pattern, c.path), c.expected) << c.text << " on " << c.path;
}

}  // namespace
}  // namespace fanwire
