#include "worker/serve/serve.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <storm/detail/thrown.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/clock.h"
#include "base/log.h"
#include "cluster/worker_protocol.h"
#include "net/http_server.h"
#include "worker/engine/engine.h"
#include "worker/run/describe.h"
#include "worker/run/exit_guard.h"
#include "worker/run/metrics_server.h"
#include "worker/run/pending_stall.h"
#include "worker/run/signals.h"
#include "worker/run/stuck.h"
#include "worker/serve/agreement.h"
#include "worker/serve/lease.h"
#include "worker/serve/nimbus_question.h"
#include "worker/serve/own_part.h"
#include "worker/serve/relative_paths.h"
#include "worker/serve/report.h"
#include "worker/serve/supervisor_link.h"
#include "worker/transport/limits.h"
#include "worker/transport/transport.h"

namespace storm::worker {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr int kExitDone = 0;
constexpr int kExitFailed = 1;
/// Interval of the first reports, because somebody waits for the first tuple.
constexpr base::Micros kFirstReportMicros = 20 * base::kMicrosPerMilli;
/// Time for user code to return when the process ends.
constexpr base::Micros kStopPatienceMicros = 2 * base::kMicrosPerSecond;
constexpr std::chrono::milliseconds kLastReportPatience{500};
/// Interval at which waiting spouts are interrupted during a drain.
constexpr std::chrono::milliseconds kInterruptPeriod{50};

base::Result<std::string> read_all(int descriptor) {
    std::string all;
    std::array<char, 64 * 1024> piece{};
    while (true) {
        const ssize_t n = ::read(descriptor, piece.data(), piece.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            return base::Error{"cannot read the bootstrap from descriptor " +
                               std::to_string(descriptor) + ": " + std::strerror(errno) +
                               "\n  hint: --worker is for Supervisors; without it, the topology "
                               "runs here"};
        }
        if (n == 0) return all;
        all.append(piece.data(), static_cast<std::size_t>(n));
    }
}

// Closed before user code runs: programs that it starts must not inherit a descriptor with the
// topology's secret.
base::Result<cluster::Bootstrap> read_bootstrap() {
    const auto bytes = read_all(cluster::kBootstrapDescriptor);
    if (!bytes) return bytes.error();
    ::close(cluster::kBootstrapDescriptor);
    return cluster::decode_bootstrap(*bytes);
}

std::string current_folder() {
    std::error_code error;
    return std::filesystem::current_path(error).string();
}

// All of it runs on the main thread, within io_.run(). Others come in by post(): loops when the
// state has changed, and the links' thread when this worker is superseded, misses another one, or
// may leave.
//
// Members that are declared later are destroyed first, so the transport would go before the engine,
// whose loops call into it until they have stopped. finish() stops the engine, and only then resets
// the transport.
class WorkerProcess {
public:
    WorkerProcess(cluster::Bootstrap bootstrap, Topology topology, const Config& config)
        : bootstrap_(std::move(bootstrap)),
          assignment_(bootstrap_.assignment),
          engine_(std::move(topology), config, clock_,
                  share_of(assignment_, bootstrap_.number, bootstrap_.incarnation)),
          io_(1),
          signals_(io_, SIGTERM, SIGINT),
          report_timer_(io_),
          end_timer_(io_),
          interrupt_timer_(io_),
          supervisor_(io_, bootstrap_.supervisor_socket, bootstrap_.token,
                      [this](const cluster::ToWorker& message) { take(message); }),
          lease_(config.int64("topology.worker.lease.secs", 0) * base::kMicrosPerSecond,
                 clock_.now()),
          question_(io_, clock_,
                    {bootstrap_.topology.id, bootstrap_.topology.secret, bootstrap_.number}),
          nimbuses_(bootstrap_.nimbuses) {}

    /// Returns the exit code.
    int run() {
        try {
            return serve_until_the_end();
        } catch (...) {
            // Such as no thread to be had. The engine's loops may run, and wake the transport: that
            // must not go before they have stopped.
            code_ = fail(detail::what_was_thrown());
            return finish();
        }
    }

private:
    int serve_until_the_end() {
        const cluster::WorkerSlot* const slot = slot_of(assignment_, bootstrap_.number);
        if (slot == nullptr) return fail("the assignment has no place for this worker");
        auto listening = Transport::listen(
            engine_.shared(),
            {.topology = bootstrap_.topology.id,
             .secret = bootstrap_.topology.secret,
             .worker = bootstrap_.number,
             .incarnation = bootstrap_.incarnation},
            slot->host, slot->port, clock_,
            [this] { asio::post(io_, [this] { end(cluster::kExitFenced, "superseded"); }); });
        if (!listening) return fail(listening.error().message);
        transport_ = std::move(listening).value();
        const MetricsSource source{bootstrap_.topology.name, bootstrap_.topology.id + "-" +
                                                                 std::to_string(bootstrap_.number)};
        auto serving = serve_metrics(io_, slot->host, engine_.shared(), source, [this] {
            const base::Micros now = clock_.now();
            return LeaseState{to_string(lease_.holder(now)), lease_.age(now)};
        });
        if (!serving) return fail(serving.error().message);
        metrics_ = std::move(serving).value();

        signals_.async_wait([this](error_code error, int) {
            // Without a drain. A Supervisor that wants one says so on its socket.
            if (!error) end(kExitDone, "signal");
        });
        let_forks_end();
        const ExitGuard guard;
        engine_.on_change([this] { asio::post(io_, [this] { changed(); }); });
        follow();
        transport_->start();
        supervisor_.start();
        look_at_lease();
        report_later();
        io_.run();
        return finish();
    }

    int fail(const std::string& why) {
        base::log::error(why);
        return kExitFailed;
    }

    // ---- Messages of the Supervisor ----

    void take(const cluster::ToWorker& message) {
        if (const auto* const assign = std::get_if<cluster::Assign>(&message)) {
            take(assign->assignment);
        } else if (const auto* const vouch = std::get_if<cluster::Vouch>(&message)) {
            if (!vouch->nimbuses.empty()) nimbuses_ = vouch->nimbuses;
            // A Supervisor that is cut off from ZooKeeper is not sure: it would not know that this
            // worker has been replaced, so its word does not prolong the lease.
            if (vouch->sure) lease_.vouched(clock_.now());
            look_at_lease();
        } else if (std::get<cluster::Stop>(message).drain) {
            drain();
        } else {
            end(kExitDone, "told to stop");
        }
    }

    void take(const cluster::Assignment& assignment) {
        // It may come from the Supervisor or from Nimbus, and be late: only a newer one counts.
        if (assignment.topology != assignment_.topology || assignment.epoch <= assignment_.epoch)
            return;
        const std::string_view why =
            why_it_ends(assignment_, assignment, bootstrap_.number, bootstrap_.incarnation);
        if (!why.empty()) return end(cluster::kExitFenced, std::string(why));
        assignment_ = assignment;
        follow();
        report();
    }

    /// Does what the assignment says.
    void follow() {
        transport_->set_peers(places_of(assignment_, engine_.wiring().share.workers),
                              assignment_.epoch);
        switch (assignment_.status) {
            case cluster::Status::kActive:
                return engine_.set_active(true);
            case cluster::Status::kInactive:
                return engine_.set_active(false);
            case cluster::Status::kKilled:
            case cluster::Status::kRebalancing:
                return drain();
            case cluster::Status::kFinished:
                return leave("the topology has finished");
        }
    }

    void drain() {
        if (std::exchange(draining_, true)) return;
        if (!begun_) return end(kExitDone, "told to end before it began");
        base::log::info("draining");
        engine_.drain();
        const base::Micros patience =
            engine_.wiring().config.int64("topology.drain.timeout.ms") * base::kMicrosPerMilli;
        transport_->drain(patience, [this](std::uint32_t worker) {
            asio::post(io_, [this, worker] { missing(worker); });
        });
        interrupt_spouts();
        changed();
    }

    void missing(std::uint32_t worker) {
        base::log::error("another worker is gone: this one drains without it",
                         {{"worker", static_cast<std::int64_t>(worker)}});
        incomplete_ = true;
    }

    /// Repeats itself until the end.
    void interrupt_spouts() {
        engine_.interrupt_spouts();
        interrupt_timer_.expires_after(kInterruptPeriod);
        interrupt_timer_.async_wait([this](error_code error) {
            if (!error && !ending_) interrupt_spouts();
        });
    }

    // ---- The lease ----

    // Called with each report and each vouching. May end the worker, so the caller looks at ending_
    // before it goes on.
    void look_at_lease() {
        if (ending_) return;
        const base::Micros now = clock_.now();
        // A Supervisor of an older version does not vouch; its connection must do.
        if (nimbuses_.empty() && supervisor_.connected()) lease_.vouched(now);
        const std::string over = lease_.over(now);
        if (!over.empty()) return end(kExitFailed, over);
        if (lease_.may_begin() && !leaving_ && !std::exchange(begun_, true)) engine_.start();
        const cluster::LeaseHolder holder = lease_.holder(now);
        if (std::exchange(holder_, holder) != holder) {
            const bool nobody = holder == cluster::LeaseHolder::kNobody;
            base::log::write(nobody ? base::LogLevel::kWarn : base::LogLevel::kInfo,
                             "another one vouches for it", {{"who", to_string(holder)}});
        }
        if (nimbuses_.empty() || !lease_.ask(now)) return;
        question_.ask(nimbuses_, assignment_.epoch, [this](const NimbusAnswer& said) {
            if (ending_) return;
            lease_.answered(said.answer);
            // Takes what its Supervisor would have told it.
            if (said.assignment) take(*said.assignment);
        });
    }

    // ---- Reports ----

    // A task may have been reopened since this was posted: the state counts as it is now.
    void changed() {
        const Engine::State state = engine_.wait(0);
        if (state == Engine::State::kFailed) return end(kExitFailed, failure());
        if (state == Engine::State::kFinished && draining_) return leave("drained");
        report_wait_ = kFirstReportMicros;
        report();
        report_later();
    }

    std::string failure() const {
        return with_path_hint(engine_.failure(), engine_.wiring().config, folder_);
    }

    cluster::WorkerReport present() {
        cluster::WorkerReport report = make_report(engine_.shared(), engine_.wait(0));
        if (report.state == cluster::WorkerState::kFailed) report.failure = failure();
        report.assignment_epoch = assignment_.epoch;
        report.lease = holder_;
        report.metrics_port = metrics_ == nullptr ? 0 : metrics_->port();
        return report;
    }

    void report() {
        last_report_ = present();
        reported_ = clock_.now();
        if (const auto stall = stall_.look(engine_.snapshot(), reported_)) base::log::warn(*stall);
        supervisor_.report(last_report_);
    }

    void report_later() {
        report_timer_.expires_after(std::chrono::microseconds(report_wait_));
        report_wait_ = std::min(2 * report_wait_, cluster::kReportMicros);
        report_timer_.async_wait([this](error_code error) {
            if (error || ending_) return;
            look_at_lease();
            if (ending_) return;
            const base::Micros now = clock_.now();
            // News at once; no news now and then, as a sign of life.
            if (now - reported_ >= cluster::kReportMicrosMax || present() != last_report_) report();
            report_later();
        });
    }

    // ---- The end ----

    /// Ends when the other workers have taken everything that this one has sent.
    void leave(const std::string& why) {
        if (ending_ || std::exchange(leaving_, true)) return;
        // First: links may only be flushed when no loop adds anything any more.
        engine_.stop(kStopPatienceMicros);  // The output of its last step is on its way then.
        transport_->flush(kLeaveMicros, [this, why](bool complete) {
            asio::post(io_, [this, why, complete] {
                if (!draining_) return end(kExitDone, why);
                const std::string lacks = what_lacks(complete);
                if (lacks.empty()) return end(kExitDone, why);
                end(kExitFailed, why + ", but " + lacks);
            });
        });
    }

    /// Losses of a drain; empty: none. Known only when the drain is over: a worker may be missed,
    /// and tuples lost with it, until then.
    std::string what_lacks(bool complete) const {
        if (incomplete_) return "without a worker that is gone";
        if (!complete) return "not all that it sent was taken";
        const std::vector<ComponentSnapshot> snapshots = engine_.snapshot();
        const bool lost = std::any_of(snapshots.begin(), snapshots.end(),
                                      [](const auto& each) { return each.losses().any(); });
        return lost ? "not all tuples went through" : "";
    }

    // The first reason counts. Its report is the Supervisor's only news of it beside the exit code,
    // so it gets a moment to leave; but a Supervisor that hangs must not keep a fenced worker
    // alive.
    void end(int code, const std::string& why) {
        if (std::exchange(ending_, true)) return;
        code_ = code;
        const bool well = code == kExitDone;
        base::log::write(well ? base::LogLevel::kInfo : base::LogLevel::kError, "ending",
                         {{"why", why}, {"exit", static_cast<std::int64_t>(code)}});
        report_timer_.cancel();
        report();
        end_timer_.expires_after(kLastReportPatience);
        end_timer_.async_wait([this](error_code) { io_.stop(); });
        await_last_report();
    }

    // Looked at each millisecond: the link tells nobody when it has written all.
    void await_last_report() {
        if (!supervisor_.connected() || supervisor_.idle()) return io_.stop();
        report_timer_.expires_after(std::chrono::milliseconds(1));
        report_timer_.async_wait([this](error_code) { await_last_report(); });
    }

    int finish() {
        supervisor_.close();
        metrics_.reset();
        if (engine_.stop(kStopPatienceMicros)) {
            transport_.reset();
            return code_;
        }
        base::log::warn("not waiting any longer for code that does not return, in " +
                        stuck_components(engine_.loops().in_user_code()));
        // No destructors: they would wait for that code, or pull away what it uses.
        std::_Exit(code_);
    }

    const base::SteadyClock clock_;
    const std::string folder_ = current_folder();  // User code may change it.
    const cluster::Bootstrap bootstrap_;
    cluster::Assignment assignment_;  // The assignment in use.
    Engine engine_;
    asio::io_context io_;
    asio::signal_set signals_;
    asio::steady_timer report_timer_;
    asio::steady_timer end_timer_;
    asio::steady_timer interrupt_timer_;
    SupervisorLink supervisor_;
    Lease lease_;
    NimbusQuestion question_;
    std::vector<cluster::NimbusAddress> nimbuses_;
    cluster::LeaseHolder holder_ = cluster::LeaseHolder::kSupervisor;
    std::unique_ptr<Transport> transport_;
    std::unique_ptr<net::HttpServer> metrics_;
    cluster::WorkerReport last_report_;
    PendingStall stall_;
    base::Micros reported_ = 0;
    base::Micros report_wait_ = kFirstReportMicros;
    bool begun_ = false;
    bool draining_ = false;
    bool incomplete_ = false;
    bool leaving_ = false;
    bool ending_ = false;
    int code_ = kExitDone;
};

int serve(cluster::Bootstrap bootstrap, TopologyFactory make) {
    Config config;
    for (const auto& [key, value] : bootstrap.topology.settings) config.set(key, value);
    base::log::set_level(base::log::level_named(config.string("storm.log.level")));
    Topology topology = make(config);
    const std::string built = describe(bootstrap.topology.name, topology, config, this_platform());
    // Before anything runs. Another program could number tasks differently, and then rows would
    // reach the wrong ones without anybody noticing.
    const std::string differs = difference(bootstrap.topology.description, built);
    if (!differs.empty()) {
        base::log::error("the program builds another topology than the one submitted: " + differs);
        return kExitFailed;
    }
    return std::make_unique<WorkerProcess>(std::move(bootstrap), std::move(topology), config)
        ->run();
}

}  // namespace

int serve_worker(TopologyFactory make) {
    survive_closed_pipes();
    auto bootstrap = read_bootstrap();
    if (!bootstrap) {
        base::log::error(bootstrap.error().message);
        return kExitFailed;
    }
    try {
        return serve(std::move(bootstrap).value(), make);
    } catch (...) {
        base::log::error(detail::what_was_thrown());
        return kExitFailed;
    }
}

}  // namespace storm::worker
