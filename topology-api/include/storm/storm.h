// All of the public API.
#pragma once

#include <storm/bolt.h>              // IWYU pragma: export
#include <storm/collector.h>         // IWYU pragma: export
#include <storm/config.h>            // IWYU pragma: export
#include <storm/context.h>           // IWYU pragma: export
#include <storm/errors.h>            // IWYU pragma: export
#include <storm/grouping.h>          // IWYU pragma: export
#include <storm/run.h>               // IWYU pragma: export
#include <storm/spout.h>             // IWYU pragma: export
#include <storm/topology.h>          // IWYU pragma: export
#include <storm/topology_builder.h>  // IWYU pragma: export
#include <storm/tuple.h>             // IWYU pragma: export
#include <storm/value.h>             // IWYU pragma: export
