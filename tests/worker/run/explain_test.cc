// --explain shows a topology as it would run. Method: golden text.

#include "worker/run/explain.h"

#include <gtest/gtest.h>

#include "tests/worker/run/small_topology.h"

namespace storm::worker {
namespace {

TEST(Explain, ShowsATopologyAsItWouldRun) {
    cluster::LayeredSettings settings;
    settings.config = config_of({{"topology.worker.threads", "2"}, {"input", "a.txt"}});
    settings.origins = {{"topology.worker.threads", "/etc/storm/storm.yaml"}, {"input", "-c"}};

    EXPECT_EQ(explain("crawler", Wiring(small_topology(), settings.config), settings),
              R"(crawler: 3 components, 5 tasks in 3 threads

  lines: spout, 1 executor with task 4, a thread of its own (blocking)
    emits  default(path, line: string)
  crawl: bolt, 2 executors with tasks 1-3, loops 0, 1
    from   lines, shuffle
    from   crawl.again, direct
    emits  default(url: string)
    emits  again(url), direct
    set    topology.max.tuple.bytes = 2048
  sink: bolt, 1 executor with task 5, loop 0, tick every 1.5 s
    from   crawl, fields by url
    from   lines, all

cycles: what circulates is bounded by topology.cycle.buffer.bytes; beyond it tuples fail
  crawl

tracking: on; the number in topology.acker.executors has no effect, but 0 turns it off

settings: all others have their defaults
  input = a.txt                from -c
  topology.worker.threads = 2  from /etc/storm/storm.yaml
)");
}

TEST(Explain, ShowsNoSecrets) {
    TopologyBuilder t;
    t.spout<NoLines>("lines").set("db.password", "hunter2");
    cluster::LayeredSettings settings;
    settings.config = config_of(
        {{"api.token", "hunter2"}, {"pin", "hunter2"}, {"topology.secret.settings", "pin"}});

    const std::string text = explain("crawler", Wiring(t.build(), settings.config), settings);

    EXPECT_NE(text.find("set    db.password = <secret>\n"), std::string::npos) << text;
    EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
}

TEST(Explain, SaysWhenTrackingIsOffAndThreadsAreDedicated) {
    cluster::LayeredSettings settings;
    settings.config =
        config_of({{"topology.acker.executors", "0"}, {"topology.executor.threads", "dedicated"}});

    const std::string text =
        explain("crawler", Wiring(small_topology(), settings.config), settings);

    EXPECT_NE(text.find("tracking: off"), std::string::npos);
    EXPECT_NE(text.find("topology.executor.threads=dedicated"), std::string::npos);
}

}  // namespace
}  // namespace storm::worker
