package conformance

import "fmt"

// planCases201 are those of cars that make a plan with their station (ISO 15118), and of
// the roots that contracts need.
var planCases201 = []testCase{
	{"TC_K_53_CSMS", "a car tells its plans, and chooses within its limits", func(c *station) {
		x := c.charging2()
		c.hears("SetChargingProfile", `"TxProfile"`)
		c.needs2()
		c.hears("SetChargingProfile", `"TxProfile"`, `"transactionId":"`+x.id+`"`)
		c.chooses2(0, "Accepted")
		x.event("Updated", "ChargingStateChanged", "Charging", "")
		x.over2()
	}},
	{"TC_K_55_CSMS", "a car chooses more than it may, and has to choose again", func(c *station) {
		x := c.charging2()
		c.hears("SetChargingProfile", `"TxProfile"`)
		c.needs2()
		c.hears("SetChargingProfile", `"TxProfile"`)
		c.chooses2(33, "Rejected")
		c.hears("SetChargingProfile", `"TxProfile"`, `"transactionId":"`+x.id+`"`)
		c.chooses2(0, "Accepted")
		x.event("Updated", "ChargingRateChanged", "Charging", "")
		x.over2()
	}},
	{"TC_K_57_CSMS", "a car changes its plans", func(c *station) {
		x := c.charging2()
		c.hears("SetChargingProfile", `"TxProfile"`)
		for range 2 {
			c.needs2()
			x.event("Updated", "ChargingRateChanged", "Charging", "")
			c.hears("SetChargingProfile", `"TxProfile"`, `"transactionId":"`+x.id+`"`)
			c.chooses2(0, "Accepted")
		}
		x.over2()
	}},
	{"TC_K_58_CSMS", "the box gives another limit", func(c *station) {
		x := c.charging2()
		c.hears("SetChargingProfile", `"TxProfile"`)
		c.chooses2(0, "Accepted")
		x.event("Updated", "ChargingRateChanged", "Charging", "")
		x.over2()
	}},
	{"TC_K_59_CSMS", "the box gives another limit, and the car tells its plans", func(c *station) {
		x := c.charging2()
		c.hears("SetChargingProfile", `"TxProfile"`)
		c.needs2()
		c.hears("SetChargingProfile", `"TxProfile"`, `"transactionId":"`+x.id+`"`)
		c.chooses2(0, "Accepted")
		x.event("Updated", "ChargingRateChanged", "Charging", "")
		x.over2()
	}},

	{"TC_M_03_CSMS", "root of the V2G network is installed", install2("V2GRootCertificate", "Accepted")},
	{"TC_M_04_CSMS", "root of a contract is installed", install2("MORootCertificate", "Accepted")},
	{"TC_M_14_CSMS", "roots of the V2G network are listed", lists2("V2GRootCertificate")},
	{"TC_M_15_CSMS", "certificates of the V2G network are listed", lists2("V2GCertificateChain")},
	{"TC_M_16_CSMS", "roots of contracts are listed", lists2("MORootCertificate")},
	{"TC_N_63_CSMS", "customer information by certificate is cleared", customer2(`"report":true,"clear":true,"customerCertificate":`+hash16, "Accepted", "a")},
}

func lists2(kind string) func(*station) {
	return asks2("GetInstalledCertificateIds", fmt.Sprintf(`{"certificateType":[%q]}`, kind),
		fmt.Sprintf(`{"status":"Accepted","certificateHashDataChain":[{"certificateType":%q,"certificateHashData":%s}]}`, kind, hash16), `"serialNumber":"01"`)
}

// needs2 tells a car's plans.
func (c *station) needs2() {
	c.t.Helper()
	c.says("NotifyEVChargingNeeds", `{"evseId":1,"maxScheduleTuples":3,"chargingNeeds":{"requestedEnergyTransfer":"AC_three_phase","departureTime":"2036-01-01T00:00:00Z","acChargingParameters":{"energyAmount":20000,"evMinCurrent":6,"evMaxCurrent":32,"evMaxVoltage":400}}}`, `"Accepted"`)
}

// chooses2 tells what a car has chosen, in A.
func (c *station) chooses2(amps int, status string) {
	c.t.Helper()
	c.says("NotifyEVChargingSchedule", fmt.Sprintf(`{"timeBase":%q,"evseId":1,"chargingSchedule":{"id":1,"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":%d}]}}`, now(), amps), status)
}
