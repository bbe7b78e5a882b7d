// Lets a callback do nothing if the object that it would call is gone.
//
//     loop_.after(kPeriod, lifetime_.guard([this] { look(); }));
//
// Best the last member, so that it ends first; or end() is called where the object begins to go.
//
// Threads: the object's. A Watch may be copied, moved and destroyed by any; asked, and called, by
//          the object's alone.
#pragma once

#include <memory>
#include <utility>

namespace storm::base {

class Lifetime {
public:
    class Watch {
    public:
        bool is_over() const { return alive_.expired(); }
        /// Calls `call` with the same arguments, unless it is over.
        template <typename Call>
        auto guard(Call call) const {
            return [watch = *this, call = std::move(call)](auto&&... arguments) mutable {
                if (!watch.is_over()) call(std::forward<decltype(arguments)>(arguments)...);
            };
        }

    private:
        friend class Lifetime;
        explicit Watch(std::weak_ptr<const bool> alive) : alive_(std::move(alive)) {}

        std::weak_ptr<const bool> alive_;
    };

    Lifetime() = default;
    Lifetime(const Lifetime&) = delete;
    Lifetime& operator=(const Lifetime&) = delete;

    Watch watch() const { return Watch(alive_); }
    template <typename Call>
    auto guard(Call call) const {
        return watch().guard(std::move(call));
    }
    void end() { alive_.reset(); }

private:
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace storm::base
