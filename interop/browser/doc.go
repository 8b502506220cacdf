// Package browser has a real browser, Chromium without a window, look at the
// explorer of a real test network: `keelson testnet up`, as a developer starts it.
//
// Its tests check what a person would see: that a block appears without a reload,
// that a search finds, that a reorganisation is drawn, that the faucet pays, and that
// what strangers have written into the chain stays text. Pages are also measured at
// the width of a phone and walked through by keyboard, and anything that the browser
// reports (a script's mistake, a breach of the content security policy, a request to
// somewhere else) fails the test.
//
// KEELSON_SCREENSHOTS=DIR leaves pictures of the pages there, light and dark, wide
// and narrow, for whoever changes them to look at.
package browser
