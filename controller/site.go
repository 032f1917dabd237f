package controller

import "time"

// Site is the domain's state. It is owned by one goroutine.
type Site struct{}

// Step takes one event and says what is to be done about it.
func (s *Site) Step(now time.Time, ev Event) []Effect { return nil }

// Stirred reports whether something changed that people want to see at once.
func (s *Site) Stirred() bool { return false }

// Snapshot is the state at now.
func (s *Site) Snapshot(now time.Time) *Snapshot { return &Snapshot{At: now} }
