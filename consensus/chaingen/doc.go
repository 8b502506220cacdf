// Package chaingen builds valid chains for tests, and blocks that are invalid
// in exactly one respect.
//
// A Chain is a tree of blocks with a current tip. Mine adds a block to the
// tip, Mark names a place and Goto returns to one, so that a test draws its
// forks by name:
//
//	c := chaingen.New(consensus.Regtest(consensus.RegtestOptions{}))
//	c.MineN(101)
//	c.Mark("fork")
//	a := c.Mine(c.Spend(c.Mature()[:1]))
//	c.Goto("fork")
//	b1, b2 := c.Mine(), c.Mine() // overtakes a
//
// Coins are paid to keys that the chain itself has (see Kind), and Spend signs
// for them. The same calls give the same blocks. Everything is checked against
// the rules on the way; what cannot be built is a mistake in the test and
// panics.
//
// Munges lists one way to break each rule that a block on regtest can break;
// Munged applies one to a block that is otherwise valid.
//
// The keys and nonces are no secrets: nothing here may ever guard money.
package chaingen
