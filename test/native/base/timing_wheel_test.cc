#include "base/timing_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <vector>

namespace fanwire {
namespace {

constexpr int64_t kTick = TimingWheel::kTickMs;
constexpr int64_t kTurn = TimingWheel::kTickMs * TimingWheel::kSlots;
constexpr int64_t kStart = 1'000'000;

// Notes when it fired, then does what the test wants.
class Alarm final : public TimerOwner {
 public:
  explicit Alarm(const int64_t* now_ms) : now_ms_(now_ms) {}
  void OnTimer() override {
    fired_at.push_back(*now_ms_);
    if (then) then();
  }

  Timer timer{this};
  std::vector<int64_t> fired_at;
  std::function<void()> then;

 private:
  const int64_t* now_ms_;
};

class TimingWheelTest : public testing::Test {
 protected:
  void AdvanceTo(int64_t now_ms) {
    now_ = now_ms;
    wheel_.Advance(now_ms);
  }
  // As a loop does: sleeps as long as it may, again and again.
  void RunUntil(int64_t end_ms) {
    while (now_ < end_ms) {
      const int64_t delay = wheel_.NextDelayMs(now_);
      const int64_t step = delay < 0 ? end_ms - now_ : std::max<int64_t>(delay, 1);
      AdvanceTo(std::min(now_ + step, end_ms));
    }
  }

  int64_t now_ = kStart;
  TimingWheel wheel_{kStart};
};

TEST_F(TimingWheelTest, IsNeverEarlyAndAtMostATickLate) {
  for (int64_t delay = 0; delay <= 3 * kTick; delay++) {
    Alarm alarm(&now_);
    const int64_t set_at = now_;
    wheel_.Set(alarm.timer, set_at + delay);
    while (alarm.fired_at.empty()) AdvanceTo(now_ + 1);
    EXPECT_GE(alarm.fired_at[0], set_at + delay);
    EXPECT_LE(alarm.fired_at[0], set_at + delay + kTick);
  }
}

TEST_F(TimingWheelTest, ASleepOfNextDelayKeepsThatPromiseOverSeveralTurns) {
  std::mt19937 random(7);
  std::vector<std::unique_ptr<Alarm>> alarms;
  for (int i = 0; i < 300; i++) {
    alarms.push_back(std::make_unique<Alarm>(&now_));
    wheel_.Set(alarms.back()->timer, kStart + int64_t(random() % uint64_t(4 * kTurn)));
  }
  RunUntil(kStart + 5 * kTurn);
  for (const auto& alarm : alarms) {
    ASSERT_EQ(alarm->fired_at.size(), 1u);
    EXPECT_GE(alarm->fired_at[0], alarm->timer.due_ms());
    EXPECT_LE(alarm->fired_at[0], alarm->timer.due_ms() + kTick);
  }
  EXPECT_EQ(wheel_.size(), 0u);
}

TEST_F(TimingWheelTest, ADeadlineInThePastFiresAtTheNextTick) {
  Alarm alarm(&now_);
  wheel_.Set(alarm.timer, now_ - 10 * kTurn);
  AdvanceTo(now_ + kTick);
  EXPECT_EQ(alarm.fired_at.size(), 1u);
}

TEST_F(TimingWheelTest, ADeadlineManyTurnsAwayWaitsForItsTurn) {
  Alarm alarm(&now_);
  wheel_.Set(alarm.timer, kStart + 10 * kTurn + 5);
  for (int64_t turn = 1; turn <= 10; turn++) {
    AdvanceTo(kStart + turn * kTurn);
    EXPECT_TRUE(alarm.fired_at.empty());
  }
  AdvanceTo(kStart + 10 * kTurn + 5 + kTick);
  EXPECT_EQ(alarm.fired_at.size(), 1u);
}

TEST_F(TimingWheelTest, ALongSleepFiresEverythingThatIsDueAndNothingElse) {
  std::vector<std::unique_ptr<Alarm>> due;
  Alarm later(&now_);
  for (int64_t delay = 1; delay < 3 * kTurn; delay += 997) {
    due.push_back(std::make_unique<Alarm>(&now_));
    wheel_.Set(due.back()->timer, kStart + delay);
  }
  wheel_.Set(later.timer, kStart + 7 * kTurn);
  AdvanceTo(kStart + 6 * kTurn);
  for (const auto& alarm : due) EXPECT_EQ(alarm->fired_at.size(), 1u);
  EXPECT_TRUE(later.fired_at.empty());
  EXPECT_TRUE(later.timer.armed());
  AdvanceTo(kStart + 7 * kTurn + kTick);
  EXPECT_EQ(later.fired_at.size(), 1u);
}

TEST_F(TimingWheelTest, AClearedTimerNeverFires) {
  Alarm alarm(&now_);
  wheel_.Set(alarm.timer, kStart + 100);
  EXPECT_TRUE(alarm.timer.armed());
  wheel_.Clear(alarm.timer);
  EXPECT_FALSE(alarm.timer.armed());
  EXPECT_EQ(wheel_.size(), 0u);
  wheel_.Clear(alarm.timer);
  EXPECT_EQ(wheel_.size(), 0u);
  AdvanceTo(kStart + kTurn);
  EXPECT_TRUE(alarm.fired_at.empty());
}

TEST_F(TimingWheelTest, SettingAgainMovesTheDeadline) {
  Alarm alarm(&now_);
  wheel_.Set(alarm.timer, kStart + 100);
  wheel_.Set(alarm.timer, kStart + 5'000);
  EXPECT_EQ(wheel_.size(), 1u);
  AdvanceTo(kStart + 1'000);
  EXPECT_TRUE(alarm.fired_at.empty());
  wheel_.Set(alarm.timer, kStart + 1'100);
  AdvanceTo(kStart + 1'100 + kTick);
  EXPECT_EQ(alarm.fired_at.size(), 1u);
}

TEST_F(TimingWheelTest, ATimerMayArmItselfAgainWhenItFires) {
  Alarm alarm(&now_);
  alarm.then = [&] { wheel_.Set(alarm.timer, now_ + 1'000); };
  wheel_.Set(alarm.timer, kStart + 1'000);
  RunUntil(kStart + 10'500);
  EXPECT_GE(alarm.fired_at.size(), 9u);
  EXPECT_LE(alarm.fired_at.size(), 10u);
  for (size_t i = 1; i < alarm.fired_at.size(); i++)
    EXPECT_GE(alarm.fired_at[i] - alarm.fired_at[i - 1], 1'000);
}

TEST_F(TimingWheelTest, ATimerThatArmsItselfAfterALongSleepFiresOnce) {
  Alarm alarm(&now_);
  alarm.then = [&] { wheel_.Set(alarm.timer, now_ + 1'000); };
  wheel_.Set(alarm.timer, kStart + 1'000);
  AdvanceTo(kStart + 3 * kTurn);
  EXPECT_EQ(alarm.fired_at.size(), 1u);
}

TEST_F(TimingWheelTest, AnOwnerMayDestroyItselfWhenItFires) {
  auto alarm = std::make_unique<Alarm>(&now_);
  bool fired = false;
  alarm->then = [&] {
    fired = true;
    alarm.reset();
  };
  wheel_.Set(alarm->timer, kStart + 1);
  AdvanceTo(kStart + 2 * kTick);
  EXPECT_TRUE(fired);
  EXPECT_EQ(wheel_.size(), 0u);
}

TEST_F(TimingWheelTest, AnOwnerMayDestroyMoveOrClearAnotherThatIsDueInTheSameTick) {
  Alarm killer(&now_), cleared(&now_), moved(&now_);
  auto killed = std::make_unique<Alarm>(&now_);
  bool killed_fired = false;
  killed->then = [&] { killed_fired = true; };
  killer.then = [&] {
    killed.reset();
    wheel_.Clear(cleared.timer);
    wheel_.Set(moved.timer, kStart + 10'000);
  };
  wheel_.Set(killer.timer, kStart + 1);
  wheel_.Set(killed->timer, kStart + 1);
  wheel_.Set(cleared.timer, kStart + 1);
  wheel_.Set(moved.timer, kStart + 1);
  AdvanceTo(kStart + 2 * kTick);
  EXPECT_FALSE(killed_fired);
  EXPECT_TRUE(cleared.fired_at.empty());
  EXPECT_TRUE(moved.fired_at.empty());
  EXPECT_EQ(wheel_.size(), 1u);
  AdvanceTo(kStart + 10'000 + kTick);
  EXPECT_EQ(moved.fired_at.size(), 1u);
}

TEST_F(TimingWheelTest, ATimerThatDiesLeavesTheWheel) {
  {
    Alarm alarm(&now_);
    wheel_.Set(alarm.timer, kStart + 100);
    EXPECT_EQ(wheel_.size(), 1u);
  }
  EXPECT_EQ(wheel_.size(), 0u);
  AdvanceTo(kStart + kTurn);
}

TEST(TimingWheelLifeTest, TimersOutliveTheWheel) {
  int64_t now = kStart;
  Alarm alarm(&now);
  {
    TimingWheel wheel(kStart);
    wheel.Set(alarm.timer, kStart + 100);
  }
  EXPECT_FALSE(alarm.timer.armed());
}

TEST_F(TimingWheelTest, WithoutTimersThereIsNoReasonToWake) {
  EXPECT_EQ(wheel_.NextDelayMs(now_), -1);
  Alarm alarm(&now_);
  wheel_.Set(alarm.timer, kStart + 10);
  EXPECT_GE(wheel_.NextDelayMs(now_), 0);
  wheel_.Clear(alarm.timer);
  EXPECT_EQ(wheel_.NextDelayMs(now_), -1);
}

TEST_F(TimingWheelTest, NextDelayNeverSleepsPastADeadline) {
  std::mt19937 random(11);
  std::vector<std::unique_ptr<Alarm>> alarms;
  for (int i = 0; i < 50; i++) alarms.push_back(std::make_unique<Alarm>(&now_));
  for (int round = 0; round < 20'000; round++) {
    Alarm& alarm = *alarms[random() % alarms.size()];
    if (random() % 4 == 0) {
      wheel_.Clear(alarm.timer);
    } else {
      wheel_.Set(alarm.timer, now_ + int64_t(random() % uint64_t(2 * kTurn)));
    }
    const int64_t delay = wheel_.NextDelayMs(now_);
    if (delay >= 0) AdvanceTo(now_ + std::min<int64_t>(delay, int64_t(random() % 2'000)));
    for (const auto& a : alarms) {
      ASSERT_TRUE(!a->timer.armed() || a->timer.due_ms() + kTick > now_) << "in round " << round;
    }
  }
}

TEST_F(TimingWheelTest, NextDelayIsExactForOneTimerAndDoesNotSpin) {
  Alarm alarm(&now_);
  wheel_.Set(alarm.timer, kStart + 20'000);
  int wakes = 0;
  while (alarm.fired_at.empty()) {
    const int64_t delay = wheel_.NextDelayMs(now_);
    ASSERT_GT(delay, 0);
    AdvanceTo(now_ + delay);
    wakes++;
  }
  EXPECT_LE(wakes, 2);
}

}  // namespace
}  // namespace fanwire
