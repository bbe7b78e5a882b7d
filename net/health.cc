#include "net/health.h"

#include <nlohmann/json.hpp>

namespace storm::net {

HttpResponse health_response(const Health& health, const nlohmann::ordered_json& details) {
    using Json = nlohmann::ordered_json;
    const char* status = health.problems.empty() ? "ok" : "degraded";
    if (!health.available) status = "unavailable";
    Json json = {{"status", status}};
    json.update(details);
    json["problems"] = health.problems;
    // Names of users may not be UTF-8.
    return HttpResponse::json(json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n',
                              health.available ? 200 : 503);
}

}  // namespace storm::net
