package attack

import (
	"context"
	"slices"
	"time"
)

// Attack is one way to be hostile.
type Attack struct {
	Name string
	Fate Fate
	// Stranger attacks go on before, or instead of, the greeting.
	Stranger bool
	// Asked attacks are answers, for which the victim asks when nothing else keeps
	// it busy, such as other attackers.
	Asked bool
	// Slow attacks try the victim's patience for longer than all others do.
	Slow bool
	// Guilty reports whether the attacker has come to do what its Fate is for, which
	// may depend on the victim; nil: always.
	Guilty func(c *Conn) bool
	// Run attacks until the connection or ctx is over, or there is nothing left to
	// do. Errors of the network are what a victim that defends itself causes.
	Run func(ctx context.Context, c *Conn)
}

// Fate is what the victim is to do about an attacker.
type Fate uint8

const (
	// Borne: each single thing that the attacker does might be honest, and so it
	// may stay; it must cost nothing that grows.
	Borne Fate = iota
	// Ended: the victim ends the connection.
	Ended
	// Banned: the victim ends the connection, and takes none of this attacker again.
	Banned
)

// All returns every attack.
func All() []Attack {
	return slices.Concat(slow(), malformed(), floods(), chainLies(), blockLies(), txLies(), crowds())
}

// Do calls the victim as a stranger and attacks it. It returns how to reach the
// attacker's connection, which the caller closes, once the attack has done what
// it can; it may still stand. The error says that the attack could not begin.
func (a *Attack) Do(ctx context.Context, v *Victim) (*Conn, error) {
	c, err := Dial(ctx, v)
	if err != nil {
		return nil, err
	}
	if !a.Stranger {
		if err := c.Greet(ctx, c.Hello()); err != nil {
			c.Close()
			return nil, err
		}
	}
	a.Run(ctx, c)
	return c, nil
}

// lied is for those who have to be asked.
func lied(c *Conn) bool { return c.lies.Load() > 0 }

// every calls f, with that much time between two calls, as long as it returns nil
// and the attack goes on.
func every(ctx context.Context, c *Conn, d time.Duration, f func() error) {
	for c.going(ctx) && f() == nil && c.wait(ctx, d) {
	}
}

// hold does nothing until the attack is over.
func hold(ctx context.Context, c *Conn) {
	select {
	case <-c.gone:
	case <-ctx.Done():
	}
}
