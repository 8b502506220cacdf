// Package fees learns from transactions that came and were mined, or were not,
// what fee rate a transaction needs to be mined within a number of blocks: the
// estimator of Bitcoin Core 28 (CBlockPolicyEstimator, src/policy/fees.cpp), with
// its numbers.
//
// Transactions are counted in buckets of fee rates that lie 5 percent apart. For
// each bucket and number of blocks a decaying average says how many were mined
// within that number, and how many were not. An estimate is what the median one
// of the cheapest buckets paid whose transactions were mined nearly always. Three
// horizons, which forget within hours, a day and a week, see short, medium and
// long waits.
//
// The package is not for deciding what gets in (see mempool/policy), nor for what
// to say while nothing is known (see mempool). It knows no pool, clock or file; the
// pool feeds it and keeps what Encode returns.
package fees
