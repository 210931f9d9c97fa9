/* openai_tools.c - see openai_tools.h. */
#include "inference/adaptation/openai_tools.h"

#include <stdio.h>
#include <string.h>

#include "http/json_body.h"

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, "no memory for the request");
}

/* A fault about a field of one entry of an array, by its full name. */
static enum status entry_fault(struct fault *fault, enum status status, const char *array,
                               size_t index, const char *field, const char *what)
{
    char param[FAULT_PARAM_BYTES];
    snprintf(param, sizeof param, "%s[%zu]%s", array, index, field);
    return fault_set_param(fault, status, param, "%s %s", param, what);
}

static enum status tool_fault(struct fault *fault, enum status status, size_t index,
                              const char *field, const char *what)
{
    return entry_fault(fault, status, "tools", index, field, what);
}

/* ---- tools ---- */

static bool is_name(struct text name)
{
    for (size_t i = 0; i < name.length; i++)
        if (!call_name_has(name.data[i])) return false;
    return name.length > 0 && name.length <= CALL_NAME_LIMIT;
}

static bool is_known(const json_t *tools, const json_t *name)
{
    size_t i;
    const json_t *tool;
    json_array_foreach(tools, i, tool)
    {
        if (json_equal(json_object_get(json_object_get(tool, "function"), "name"), name))
            return true;
    }
    return false;
}

static enum status check_function(const json_t *function, size_t index, const json_t *before,
                                  struct fault *fault)
{
    const json_t *name = json_object_get(function, "name");
    const json_t *description = json_body_field(function, "description");
    const json_t *strict = json_body_field(function, "strict");
    if (!json_is_object(function))
        return tool_fault(fault, STATUS_INVALID, index, ".function", "must be an object");
    if (!json_is_string(name) || !is_name(json_text_of(name)))
        return tool_fault(fault, STATUS_INVALID, index, ".function.name",
                          "must be 1 to 64 letters, digits, underscores and dashes");
    if (is_known(before, name))
        return tool_fault(fault, STATUS_INVALID, index, ".function.name",
                          "is the name of a tool before");
    if (description && !json_is_string(description))
        return tool_fault(fault, STATUS_INVALID, index, ".function.description",
                          "must be a string");
    if (strict && !json_is_boolean(strict)) /* arguments always fit their schema */
        return tool_fault(fault, STATUS_INVALID, index, ".function.strict",
                          "must be true or false");
    return OK;
}

/* The schema of the arguments, which are an object whether it says so or not; without one there are
 * no arguments. */
static enum status read_parameters(const json_t *function, size_t index, json_t **schema,
                                   struct fault *fault)
{
    json_t *field = json_body_field(function, "parameters");
    if (field && !json_is_object(field))
        return tool_fault(fault, STATUS_INVALID, index, ".function.parameters",
                          "must be an object");
    const json_t *type = json_object_get(field, "type");
    if (type && !text_equal(json_text_of(type), TEXT("object")))
        return tool_fault(fault, STATUS_INVALID, index, ".function.parameters",
                          "must be a schema of type \"object\"");
    if (type)
        *schema = json_incref(field);
    else if (field)
        *schema = json_pack("{s:s}", "type", "object");
    else
        *schema = json_pack("{s:s, s:{}, s:b}", "type", "object", "properties",
                            "additionalProperties", 0);
    if (!*schema || (field && !type && json_object_update_missing(*schema, field) != 0)) {
        json_decref(*schema);
        return no_memory(fault);
    }
    return OK;
}

static enum status read_tool(const json_t *tool, size_t index, json_t *tools, struct fault *fault)
{
    const json_t *type = json_object_get(tool, "type"),
                 *function = json_object_get(tool, "function");
    if (!json_is_object(tool))
        return tool_fault(fault, STATUS_INVALID, index, "", "must be an object");
    if (!json_is_string(type))
        return tool_fault(fault, STATUS_INVALID, index, ".type", "must be \"function\"");
    if (!text_equal(json_text_of(type), TEXT("function")))
        return tool_fault(fault, STATUS_UNSUPPORTED, index, ".type",
                          "is not supported, except \"function\"");
    TRY(check_function(function, index, tools, fault));
    json_t *schema = NULL, *copy = json_copy((json_t *)function);
    enum status status = read_parameters(function, index, &schema, fault);
    int failed = status != OK || json_object_set_new(copy, "parameters", schema) != 0;
    json_object_del(copy, "strict");
    if (!failed)
        failed = json_array_append_new(
            tools, json_pack("{s:s, s:O}", "type", "function", "function", copy));
    json_decref(copy);
    if (status != OK) return status;
    return failed ? no_memory(fault) : OK;
}

static enum status read_tools(struct openai_tools *out, const json_t *root, struct fault *fault)
{
    json_t *field;
    TRY(json_read_array(root, "tools", &field, fault));
    size_t count = json_array_size(field);
    if (count == 0) return OK;
    if (count > REQUEST_TOOL_LIMIT)
        return fault_set_param(fault, STATUS_INVALID, "tools", "tools may have at most %d entries",
                               REQUEST_TOOL_LIMIT);
    out->tools = json_array();
    if (!out->tools) return no_memory(fault);
    for (size_t i = 0; i < count; i++)
        TRY(read_tool(json_array_get(field, i), i, out->tools, fault));
    return OK;
}

/* ---- the choice ---- */

static enum status choice_fault(struct fault *fault, enum status status, const char *param,
                                const char *what)
{
    return fault_set_param(fault, status, param, "%s %s", param, what);
}

static enum status read_mode(const json_t *field, const char *param, enum tool_choice *choice,
                             struct fault *fault)
{
    static const struct {
        struct text name;
        enum tool_choice choice;
    } modes[] = {
        {{"none", 4}, TOOLS_NONE}, {{"auto", 4}, TOOLS_AUTO}, {{"required", 8}, TOOLS_REQUIRED}};
    for (size_t i = 0; json_is_string(field) && i < ARRAY_COUNT(modes); i++) {
        if (!text_equal(json_text_of(field), modes[i].name)) continue;
        *choice = modes[i].choice;
        return OK;
    }
    return choice_fault(fault, STATUS_INVALID, param, "must be \"none\", \"auto\" or \"required\"");
}

/* {"type": "function", "function": {"name": "..."}} */
static enum status allow(struct openai_tools *out, const json_t *named, const char *param,
                         struct fault *fault)
{
    json_t *name = json_object_get(json_object_get(named, "function"), "name");
    if (!text_equal(json_field_text(named, "type"), TEXT("function")))
        return choice_fault(fault, STATUS_UNSUPPORTED, param,
                            "is not supported, except for tools of type \"function\"");
    if (!json_is_string(name) || !is_known(out->tools, name))
        return choice_fault(fault, STATUS_INVALID, param, "names none of the tools");
    return json_array_append(out->allowed, name) == 0 ? OK : no_memory(fault);
}

static enum status read_allowed(struct openai_tools *out, const json_t *choice, struct fault *fault)
{
    const json_t *allowed = json_object_get(choice, "allowed_tools");
    const json_t *some = json_object_get(allowed, "tools");
    TRY(read_mode(json_object_get(allowed, "mode"), "tool_choice.allowed_tools.mode", &out->choice,
                  fault));
    if (json_array_size(some) == 0)
        return choice_fault(fault, STATUS_INVALID, "tool_choice.allowed_tools.tools",
                            "must be an array that names some of the tools");
    for (size_t i = 0; i < json_array_size(some); i++)
        TRY(allow(out, json_array_get(some, i), "tool_choice.allowed_tools.tools", fault));
    return OK;
}

static enum status read_choice(struct openai_tools *out, const json_t *root, struct fault *fault)
{
    const json_t *field = json_body_field(root, "tool_choice");
    out->choice = out->tools ? TOOLS_AUTO : TOOLS_NONE;
    if (!field) return OK;
    bool is_object = json_is_object(field);
    if (!is_object) TRY(read_mode(field, "tool_choice", &out->choice, fault));
    if (!out->tools && (is_object || out->choice == TOOLS_REQUIRED))
        return choice_fault(fault, STATUS_INVALID, "tool_choice",
                            "wants tools, and there are none");
    if (!is_object) return OK;
    out->allowed = json_array();
    if (!out->allowed) return no_memory(fault);
    if (text_equal(json_field_text(field, "type"), TEXT("allowed_tools")))
        return read_allowed(out, field, fault);
    out->choice = TOOLS_REQUIRED;
    out->is_one_call = true;
    return allow(out, field, "tool_choice", fault);
}

static enum status read_all(struct openai_tools *out, const json_t *root, struct fault *fault)
{
    TRY(read_tools(out, root, fault));
    TRY(read_choice(out, root, fault));
    bool parallel = !out->is_one_call;
    json_t *functions;
    TRY(json_read_bool(root, "parallel_tool_calls", &parallel, fault));
    out->asks_parallel = parallel && json_body_field(root, "parallel_tool_calls");
    out->is_one_call = out->is_one_call || !parallel;
    TRY(json_read_array(root, "functions", &functions, fault));
    if (json_array_size(functions) > 0)
        return choice_fault(fault, STATUS_UNSUPPORTED, "functions", "is not supported: use tools");
    if (json_body_field(root, "function_call"))
        return choice_fault(fault, STATUS_UNSUPPORTED, "function_call",
                            "is not supported: use tool_choice");
    return OK;
}

enum status openai_tools_read(struct openai_tools *tools, const json_t *root, struct fault *fault)
{
    *tools = (struct openai_tools){.tools = NULL};
    enum status status = read_all(tools, root, fault);
    if (status != OK) openai_tools_deinit(tools);
    return status;
}

void openai_tools_deinit(struct openai_tools *tools)
{
    json_decref(tools->tools);
    json_decref(tools->allowed);
    *tools = (struct openai_tools){.tools = NULL};
}
