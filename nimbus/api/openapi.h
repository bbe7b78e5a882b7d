// The document of GET /api/v1/openapi.json, built in.
#pragma once

#include <string_view>

namespace storm::nimbus {

extern const std::string_view kOpenApi;

}  // namespace storm::nimbus
