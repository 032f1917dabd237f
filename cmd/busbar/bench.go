package main

// benchCmd is the measurements.
type benchCmd struct {
	Balance  benchBalanceCmd  `cmd:"" help:"Measure load management in virtual time beside plain policies and the best possible."`
	Trial    benchTrialCmd    `cmd:"" help:"Look for a ten-minute scenario, drawn by seed, in which a breaker opens."`
	Messages benchMessagesCmd `cmd:"" help:"Measure the message plane through real sockets and a real database file, beside the bare echo."`
	Reaction benchReactionCmd `cmd:"" help:"Measure through real sockets how fast all chargers are told to come down when the building takes more."`
	Box      benchBoxCmd      `cmd:"" hidden:"" help:"The measured box, as a child of bench messages and bench reaction."`
	Echo     benchEchoCmd     `cmd:"" hidden:"" help:"The bare echo, as a child of bench messages."`
}
