/* SPDX-License-Identifier: BSD-3-Clause */
// The syntax of ovs-ofctl: what is read, what is written, and that the one is the other's. test_openflow.py compares
// with ovs-ofctl itself.
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../../control/flow_text.h"
#include "../rng.h"
#include "flow_samples.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct flow_error error;

static void flows_are_written_in_one_form(void **state)
{
	static const struct {
		const char *text, *written; // NULL: the same
	} cases[] = {
		{"priority=100,ip,nw_dst=10.0.0.0/8,actions=dec_ttl,output:2", NULL},
		{"priority=100 nw_dst=10.1.2.3/255.0.0.0 dl_type=0x0800 actions=dec_ttl 2",
		 "priority=100,ip,nw_dst=10.0.0.0/8,actions=dec_ttl,output:2"},
		{"actions=drop", "priority=32768,actions=drop"},
		{"actions=", "priority=32768,actions=drop"},
		{" cookie=0x5, duration=1.5s, table=3, n_packets=7, n_bytes=448, idle_age=3, priority=1 actions=ALL",
		 "cookie=0x5,table=3,priority=1,actions=ALL"},
		{"idle_timeout=10,hard_timeout=20,importance=5,send_flow_rem,check_overlap,reset_counts,no_packet_"
		 "counts,"
		 "no_byte_counts,priority=0,actions=NORMAL",
		 NULL},
		{"priority=1,tcp,tp_dst=80,tp_src=1,actions=set_field:8080->tcp_dst",
		 "priority=1,tcp,tp_src=1,tp_dst=80,actions=set_field:8080->tcp_dst"},
		{"priority=1,tp_dst=53,nw_proto=17,ipv6,actions=mod_tp_dst:54",
		 "priority=1,udp6,tp_dst=53,actions=set_field:54->udp_dst"},
		{"priority=1,sctp6,sctp_src=7,actions=mod_tp_src:8",
		 "priority=1,sctp6,tp_src=7,actions=set_field:8->sctp_src"},
		{"priority=1,icmp,icmp_type=8,icmp_code=0,actions=IN_PORT", NULL},
		{"priority=1,icmp6,icmp_type=135,nd_target=fe80::1,nd_sll=00:00:00:00:00:01,actions=FLOOD",
		 "priority=1,icmp6,icmp_type=135,nd_target=fe80::1,nd_sll=00:00:00:00:00:01,actions=FLOOD"},
		{"priority=1,arp,nw_proto=1,nw_src=10.0.0.1,actions=LOCAL",
		 "priority=1,arp,arp_op=1,arp_spa=10.0.0.1,actions=LOCAL"},
		{"priority=1,dl_vlan=5,dl_vlan_pcp=3,actions=pop_vlan", NULL},
		{"priority=1,dl_vlan_pcp=3,actions=drop", NULL},
		{"priority=1,dl_vlan=0xffff,actions=drop", "priority=1,vlan_tci=0x0000/0x1fff,actions=drop"},
		{"priority=1,vlan_tci=0x1000/0x1000,actions=drop", NULL},
		{"priority=1,vlan_vid=0x1003/0x1007,actions=drop", "priority=1,vlan_tci=0x1003/0x1007,actions=drop"},
		{"priority=1,vlan_tci=0x7005,actions=drop", "priority=1,dl_vlan=5,dl_vlan_pcp=3,actions=drop"},
		{"priority=1,ip,nw_tos=184,nw_ecn=1,actions=mod_nw_tos:4,mod_nw_ecn:2",
		 "priority=1,ip,nw_tos=184,nw_ecn=1,actions=set_field:1->ip_dscp,set_field:2->nw_ecn"},
		{"priority=1,mpls,mpls_label=16,mpls_tc=3,mpls_bos=1,actions=dec_mpls_ttl,pop_mpls:0x0800", NULL},
		{"priority=1,tun_id=0x7,metadata=0x3/0x7,in_port=1,actions=set_tunnel:9",
		 "priority=1,tun_id=0x7,metadata=0x3/0x7,in_port=1,actions=set_field:0x9->tun_id"},
		{"priority=1,in_port=LOCAL,actions=in_port", "priority=1,in_port=LOCAL,actions=IN_PORT"},
		{"priority=1,in_port=1,in_phy_port=2,actions=drop", NULL},
		{"priority=1,dl_type=0x88e7,pbb_isid=0x100/0xff00,actions=pop_pbb", NULL},
		{"priority=1,ipv6,ipv6_src=2001:db8::/32,ipv6_label=0x12345,ipv6_exthdr=0x1/0x1,actions=drop", NULL},
		{"priority=1,dl_dst=01:00:00:00:00:00/"
		 "01:00:00:00:00:00,actions=push_vlan:0x88a8,set_field:4102->vlan_vid",
		 NULL},
		{"priority=1,actions=mod_vlan_vid:5,mod_vlan_pcp:2",
		 "priority=1,actions=push_vlan:0x8100,set_field:4101->vlan_vid,set_field:2->dl_vlan_pcp"},
		{"priority=1,dl_vlan=3,actions=mod_vlan_vid:5",
		 "priority=1,dl_vlan=3,actions=set_field:4101->vlan_vid"},
		{"priority=1,actions=controller", "priority=1,actions=CONTROLLER:65535"},
		{"priority=1,actions=controller()", "priority=1,actions=CONTROLLER:65535"},
		{"priority=1,udp6,actions=set_field:5->tp_src,set_field:6->tp_dst",
		 "priority=1,udp6,actions=set_field:5->udp_src,set_field:6->udp_dst"},
		{"priority=1,actions=controller(max_len=5),CONTROLLER:128",
		 "priority=1,actions=CONTROLLER:5,CONTROLLER:128"},
		{"priority=1,ip,actions=mod_nw_ttl:9,copy_ttl_out,copy_ttl_in,push_pbb:0x88e7,set_queue:3,group:4",
		 NULL},
		{"priority=1,actions=meter:1,output:1,clear_actions,write_actions(output:3,set_field:0x1->tun_id),"
		 "write_metadata:0x5/0xff,goto_table:7",
		 NULL},
		{"priority=1,actions=goto_table:1,write_actions(drop),output:1",
		 "priority=1,actions=output:1,write_actions(drop),goto_table:1"},
		{"priority=1,dl_type=0x1234,ip_proto=6,actions=drop", ""},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *want = cases[i].written != NULL ? cases[i].written : cases[i].text;
		struct flow_mod m;
		char *text;

		print_message("%s\n", cases[i].text);
		if (want[0] == '\0') {
			assert_int_equal(flow_text_parse(cases[i].text, FLOW_ADD, &m, &error), -EINVAL);
			assert_int_equal(error.code, OFPBMC_BAD_PREREQ & 0xffff);
			continue;
		}
		assert_int_equal(flow_text_parse(cases[i].text, FLOW_ADD, &m, &error), 0);
		text = flow_text_format(&m);
		assert_string_equal(text, want);
		free(text);
		flow_mod_clear(&m);
	}
}

static void deletes_filter_and_have_no_actions(void **state)
{
	struct flow_mod m;

	assert_int_equal(flow_text_parse("cookie=0x10/0xf0,out_port=2,out_group=7,tcp", FLOW_DELETE, &m, &error), 0);
	assert_int_equal(m.table, FLOW_TABLE_ALL);
	assert_int_equal(m.cookie, 0x10);
	assert_int_equal(m.cookie_mask, 0xf0);
	assert_int_equal(m.out_port, 2);
	assert_int_equal(m.out_group, 7);
	assert_int_equal(flow_text_parse("", FLOW_DELETE, &m, &error), 0);
	assert_int_equal(flow_text_parse("cookie=5", FLOW_DELETE, &m, &error), 0);
	assert_int_equal(m.cookie_mask, UINT64_MAX);
	assert_int_equal(flow_text_parse("actions=drop", FLOW_DELETE, &m, &error), -EINVAL);
	assert_int_equal(flow_text_parse("out_port=x", FLOW_DELETE, &m, &error), -EINVAL);
}

static void refusals_name_the_word(void **state)
{
	static const struct {
		const char *text, *value;
		enum flow_errno what;
	} cases[] = {
		{"priority=1", "\"actions\"", OFPBAC_BAD_TYPE},
		{"nonsense=1,actions=drop", "\"nonsense\"", OFPBMC_BAD_FIELD},
		{"ipx,actions=drop", "\"ipx\"", OFPBMC_BAD_FIELD},
		{"priority=65536,actions=drop", "\"65536\"", OFPBMC_BAD_VALUE},
		{"priority=-1,actions=drop", "\"-1\"", OFPBMC_BAD_VALUE},
		{"table=256,actions=drop", "\"256\"", OFPBMC_BAD_VALUE},
		{"ip,nw_src=10.0.0,actions=drop", "\"10.0.0\"", OFPBMC_BAD_VALUE},
		{"ip,nw_src=10.0.0.1/33,actions=drop", "\"10.0.0.1/33\"", OFPBMC_BAD_VALUE},
		{"dl_src=1:2:3,actions=drop", "\"1:2:3\"", OFPBMC_BAD_VALUE},
		{"dl_src=00:00:00:00:00:01x,actions=drop", "\"00:00:00:00:00:01x\"", OFPBMC_BAD_VALUE},
		{"dl_vlan=4096,actions=drop", "\"4096\"", OFPBMC_BAD_VALUE},
		{"vlan_tci=0x1000/0x3000,actions=drop", "\"0x1000/0x3000\"", OFPBMC_BAD_VALUE},
		{"ip,nw_tos=3,actions=drop", "\"3\"", OFPBMC_BAD_VALUE},
		{"tcp,udp,actions=drop", "\"ip_proto\"", OFPBMC_DUP_FIELD},
		{"ip,nw_src=1.2.3.4,nw_src=1.2.3.4,actions=drop", "\"nw_src\"", OFPBMC_DUP_FIELD},
		{"in_port=,actions=drop", "\"\"", OFPBMC_BAD_VALUE},
		{"out_port=1,actions=drop", "\"out_port\"", OFPBMC_BAD_FIELD},
		{"out_group=1,actions=drop", "\"out_group\"", OFPBMC_BAD_FIELD},
		{"cookie=1/3,actions=drop", "\"1/3\"", OFPBMC_BAD_MASK},
		{"ip,actions=set_field:1->tp_port", "\"tp_port\"", OFPBAC_BAD_SET_TYPE},
		{"actions=fly", "\"fly\"", OFPBAC_BAD_TYPE},
		{"actions=drop,1", "\"drop\"", OFPBAC_BAD_TYPE},
		{"actions=output", "\"output\"", OFPBAC_BAD_ARGUMENT},
		{"actions=output:", "\"\"", OFPBAC_BAD_ARGUMENT},
		{"actions=dec_ttl:1", "\"1\"", OFPBAC_BAD_ARGUMENT},
		{"actions=push_vlan:x", "\"x\"", OFPBAC_BAD_ARGUMENT},
		{"actions=set_field:1", "\"1\"", OFPBAC_BAD_ARGUMENT},
		{"actions=set_field:1->nothing", "\"nothing\"", OFPBAC_BAD_SET_TYPE},
		{"ip,actions=set_field:1.2.3.4/8->ip_src", "\"1.2.3.4/8\"", OFPBAC_BAD_ARGUMENT},
		{"actions=mod_vlan_vid:4096", "\"4096\"", OFPBAC_BAD_ARGUMENT},
		{"actions=goto_table:1,goto_table:2", "\"goto_table\"", OFPBIC_UNSUP_INST},
		{"actions=goto_table:x", "\"x\"", OFPBAC_BAD_ARGUMENT},
		{"actions=write_actions", "\"write_actions\"", OFPBAC_BAD_ARGUMENT},
		{"actions=write_actions(goto_table:1)", "\"goto_table\"", OFPBAC_BAD_TYPE},
		{"actions=clear_actions:1", "\"1\"", OFPBAC_BAD_ARGUMENT},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct flow_mod m;

		print_message("%s\n", cases[i].text);
		assert_true(flow_text_parse(cases[i].text, FLOW_ADD, &m, &error) < 0);
		assert_string_equal(error.fault.field, "text");
		assert_string_equal(error.fault.value, cases[i].value);
		assert_string_equal(flow_error_name(error.type, error.code),
				    flow_error_name((uint16_t)(cases[i].what >> 16), (uint16_t)cases[i].what));
	}
	char *long_text = malloc(FLOW_TEXT_MAX + 1);
	struct flow_mod m;
	memset(long_text, ' ', FLOW_TEXT_MAX);
	long_text[FLOW_TEXT_MAX] = '\0';
	assert_true(flow_text_parse(long_text, FLOW_DELETE, &m, &error) < 0);
	free(long_text);
}

static void groups_are_written_in_one_form(void **state)
{
	static const struct {
		const char *text, *written;
	} cases[] = {
		{"group_id=1,type=all", NULL},
		{"group_id=5,type=select,bucket=weight:5,actions=output:1,bucket=weight:7,actions=push_vlan:0x8100,"
		 "output:2",
		 NULL},
		{"group_id=5 type=select bucket=weight:5,output:1,output:2",
		 "group_id=5,type=select,bucket=weight:5,actions=output:1,output:2"},
		{"group_id=5,type=select,bucket=1,bucket=weight:0,2",
		 "group_id=5,type=select,bucket=weight:1,actions=output:1,bucket=weight:0,actions=output:2"},
		{"group_id=6,type=fast_failover,bucket=watch_port:1,watch_group:3,output:1,bucket=watch_port=2,actions="
		 "drop",
		 "group_id=6,type=ff,bucket=watch_port:1,watch_group:3,actions=output:1,bucket=watch_port:2,actions="
		 "drop"},
		{"group_id=7,type=indirect,bucket=set_field:1->ip_dscp,group:4",
		 "group_id=7,type=indirect,bucket=actions=set_field:1->ip_dscp,group:4"},
		{"group_id=7,type=indirect,bucket=", "group_id=7,type=indirect,bucket=actions=drop"},
	};
	static const char *const bad[] = {
		"type=all",
		"group_id=1",
		"group_id=x,type=all",
		"group_id=1,type=any",
		"group_id=1,type=all,nonsense",
		"group_id=1,type=indirect",
		"group_id=1,type=select,bucket=weight:x,1",
		"group_id=1,type=ff,bucket=watch_port:x,1",
		"group_id=1,type=ff,bucket=1",
		"group_id=1,type=all,bucket=fly",
		"group_id=1,type=all,bucket=output:1,actions=output:2",
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct group_mod m;
		char *text;

		print_message("%s\n", cases[i].text);
		assert_int_equal(group_text_parse(cases[i].text, GROUP_ADD, &m, &error), 0);
		text = group_text_format(&m);
		assert_string_equal(text, cases[i].written != NULL ? cases[i].written : cases[i].text);
		free(text);
		group_mod_clear(&m);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct group_mod m;

		print_message("%s\n", bad[i]);
		assert_int_equal(group_text_parse(bad[i], GROUP_ADD, &m, &error), -EINVAL);
	}
	struct group_mod m;
	assert_int_equal(group_text_parse("", GROUP_DELETE, &m, &error), 0);
	assert_int_equal(m.group, FLOW_GROUP_ALL);
	assert_int_equal(group_text_parse("group_id=3", GROUP_DELETE, &m, &error), 0);
	assert_int_equal(m.group, 3);
}

static void meters_are_written_in_one_form(void **state)
{
	static const struct {
		const char *text, *written;
	} cases[] = {
		{"meter=3,kbps,burst,stats,band=type=drop,rate=1000,burst_size=50", NULL},
		{"meter=3 pktps bands=\ntype=drop rate=1", ""},
		{"meter=4,band=type=drop,rate=7,band=type=dscp_remark,rate=5,prec_level=2",
		 "meter=4,kbps,band=type=drop,rate=7,band=type=dscp_remark,rate=5,prec_level=2"},
		{"meter=controller,pktps,band=type=drop,rate=7", NULL},
		{"meter=0,kbps", ""},
		{"meter=1,kbps,pktps", ""},
		{"meter=1,kbps,band=type=drop", ""},
		{"meter=1,kbps,band=type=x,rate=1", ""},
		{"meter=1,kbps,band=type=drop,rate=x", ""},
		{"meter=1,kbps,band=type=drop,rate=1,x=1", ""},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *want = cases[i].written != NULL ? cases[i].written : cases[i].text;
		struct meter_mod m;
		char *text;

		print_message("%s\n", cases[i].text);
		if (want[0] == '\0') {
			assert_true(meter_text_parse(cases[i].text, METER_ADD, &m, &error) < 0);
			continue;
		}
		assert_int_equal(meter_text_parse(cases[i].text, METER_ADD, &m, &error), 0);
		text = meter_text_format(&m);
		assert_string_equal(text, want);
		free(text);
	}
	struct meter_mod m;
	assert_int_equal(meter_text_parse("", METER_DELETE, &m, &error), 0);
	assert_int_equal(m.meter, FLOW_METER_ALL);
}

static void each_field_survives_writing_and_reading(void **state)
{
	uint64_t rng = 7;

	for (unsigned int i = 0; i < 2000; i++) {
		const enum flow_field f = i % FLOW_FIELD_COUNT;
		const struct flow_value ones = flow_field_ones(f);
		struct flow_value mask = ones, v = sample_value(f);
		struct flow_mod m = {.priority = 5}, again;
		char *text;

		if (flow_field_info[f].maskable && i >= FLOW_FIELD_COUNT) {
			mask = (struct flow_value){.hi = rng_next(&rng) & ones.hi, .lo = rng_next(&rng) & ones.lo};
			v.hi &= mask.hi;
			v.lo &= mask.lo;
		}
		sample_prereqs(&m.match, f);
		if (flow_match_add(&m.match, f, v, &mask, &error) < 0)
			fail_msg("%s: %s", flow_field_info[f].name, error.fault.message);
		if (flow_action_settable(f) && f != FLOW_FIELD_ETH_TYPE && f != FLOW_FIELD_VLAN_VID) {
			m.instructions.has = FLOW_INST_WRITE;
			*flow_actions_add(&m.instructions.write) = (struct flow_action){
				.type = FLOW_ACTION_SET_FIELD, .field = (uint8_t)f, .value = sample_value(f)};
		}
		text = flow_text_format(&m);
		if (flow_text_parse(text, FLOW_ADD, &again, &error) < 0)
			fail_msg("%s: %s", text, error.fault.message);
		if (!flow_match_equal(&m.match, &again.match) ||
		    !flow_instructions_equal(&m.instructions, &again.instructions))
			fail_msg("%s is read as something else", text);
		flow_mod_clear(&m);
		flow_mod_clear(&again);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_are_written_in_one_form),
		cmocka_unit_test(deletes_filter_and_have_no_actions),
		cmocka_unit_test(refusals_name_the_word),
		cmocka_unit_test(groups_are_written_in_one_form),
		cmocka_unit_test(meters_are_written_in_one_form),
		cmocka_unit_test(each_field_survives_writing_and_reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
