// Every node of the raw parse tree that the house names, by its tag. A tag that is not here is walked by `childrenOf`, never skipped.
import type {
  A_ArrayExpr,
  A_Const,
  A_Expr,
  A_Indices,
  A_Indirection,
  A_Star,
  BoolExpr,
  BooleanTest,
  CaseExpr,
  CaseWhen,
  CoalesceExpr,
  CollateClause,
  ColumnRef,
  CurrentOfExpr,
  FuncCall,
  GroupingFunc,
  MinMaxExpr,
  MultiAssignRef,
  NamedArgExpr,
  NullTest,
  ParamRef,
  RowExpr,
  SQLValueFunction,
  SetToDefault,
  SortBy,
  SubLink,
  TypeCast,
  TypeName,
  WindowDef,
  XmlExpr,
  XmlSerialize,
} from './ast-expr.ts';
import type {
  Alias,
  CTECycleClause,
  CTESearchClause,
  ColumnDef,
  CommonTableExpr,
  DeleteStmt,
  GroupingSet,
  IndexElem,
  InferClause,
  InsertStmt,
  IntoClause,
  JoinExpr,
  LockingClause,
  MergeStmt,
  MergeWhenClause,
  OnConflictClause,
  RangeFunction,
  RangeSubselect,
  RangeTableFunc,
  RangeTableFuncCol,
  RangeTableSample,
  RangeVar,
  ResTarget,
  ReturningClause,
  ReturningOption,
  SelectStmt,
  UpdateStmt,
  WithClause,
} from './ast-query.ts';
import type {
  JsonAggConstructor,
  JsonArgument,
  JsonArrayAgg,
  JsonArrayConstructor,
  JsonArrayQueryConstructor,
  JsonBehavior,
  JsonFormat,
  JsonFuncExpr,
  JsonIsPredicate,
  JsonKeyValue,
  JsonObjectAgg,
  JsonObjectConstructor,
  JsonOutput,
  JsonParseExpr,
  JsonReturning,
  JsonScalarExpr,
  JsonSerializeExpr,
  JsonTable,
  JsonTableColumn,
  JsonTablePathSpec,
  JsonValueExpr,
} from './ast-json.ts';
import type {
  AccessPriv,
  AlterDatabaseSetStmt,
  AlterRoleSetStmt,
  AlterRoleStmt,
  CallStmt,
  ClosePortalStmt,
  ClusterStmt,
  ConstraintsSetStmt,
  CopyStmt,
  CreateTableAsStmt,
  DeallocateStmt,
  DeclareCursorStmt,
  DefElem,
  DiscardStmt,
  DropOwnedStmt,
  DoStmt,
  ExecuteStmt,
  ExplainStmt,
  FetchStmt,
  GrantRoleStmt,
  GrantStmt,
  ListenStmt,
  LoadStmt,
  LockStmt,
  NotifyStmt,
  PrepareStmt,
  RefreshMatViewStmt,
  ReindexStmt,
  ReturnStmt,
  RoleSpec,
  TransactionStmt,
  TruncateStmt,
  UnlistenStmt,
  VacuumRelation,
  VacuumStmt,
  VariableSetStmt,
  VariableShowStmt,
  ViewStmt,
} from './ast-utility.ts';
import type {
  AlterDomainStmt,
  AlterFunctionStmt,
  AlterObjectSchemaStmt,
  AlterOwnerStmt,
  AlterPolicyStmt,
  AlterSeqStmt,
  AlterTableCmd,
  AlterTableStmt,
  CommentStmt,
  CompositeTypeStmt,
  Constraint,
  CreateDomainStmt,
  CreateForeignTableStmt,
  CreateFunctionStmt,
  CreatePolicyStmt,
  CreateSchemaStmt,
  CreateSeqStmt,
  CreateStatsStmt,
  CreateStmt,
  CreateTrigStmt,
  DefineStmt,
  DropStmt,
  FunctionParameter,
  IndexStmt,
  ObjectWithArgs,
  PartitionBoundSpec,
  PartitionCmd,
  PartitionElem,
  PartitionSpec,
  RenameStmt,
  RuleStmt,
  SecLabelStmt,
  StatsElem,
  TriggerTransition,
} from './ast-ddl.ts';
import type { BitStringNode, BooleanNode, FloatNode, IntegerNode, ListNode, StringNode } from './ast.ts';

export interface NodeTypes {
  readonly String: StringNode;
  readonly Integer: IntegerNode;
  readonly Float: FloatNode;
  readonly Boolean: BooleanNode;
  readonly BitString: BitStringNode;
  readonly List: ListNode;
  readonly A_ArrayExpr: A_ArrayExpr;
  readonly A_Const: A_Const;
  readonly A_Expr: A_Expr;
  readonly A_Indices: A_Indices;
  readonly A_Indirection: A_Indirection;
  readonly A_Star: A_Star;
  readonly AccessPriv: AccessPriv;
  readonly Alias: Alias;
  readonly AlterDatabaseSetStmt: AlterDatabaseSetStmt;
  readonly AlterDomainStmt: AlterDomainStmt;
  readonly AlterFunctionStmt: AlterFunctionStmt;
  readonly AlterObjectSchemaStmt: AlterObjectSchemaStmt;
  readonly AlterOwnerStmt: AlterOwnerStmt;
  readonly AlterPolicyStmt: AlterPolicyStmt;
  readonly AlterRoleSetStmt: AlterRoleSetStmt;
  readonly AlterRoleStmt: AlterRoleStmt;
  readonly AlterSeqStmt: AlterSeqStmt;
  readonly AlterTableCmd: AlterTableCmd;
  readonly AlterTableStmt: AlterTableStmt;
  readonly BoolExpr: BoolExpr;
  readonly BooleanTest: BooleanTest;
  readonly CTECycleClause: CTECycleClause;
  readonly CTESearchClause: CTESearchClause;
  readonly CallStmt: CallStmt;
  readonly CaseExpr: CaseExpr;
  readonly CaseWhen: CaseWhen;
  readonly ClosePortalStmt: ClosePortalStmt;
  readonly ClusterStmt: ClusterStmt;
  readonly CoalesceExpr: CoalesceExpr;
  readonly CollateClause: CollateClause;
  readonly ColumnDef: ColumnDef;
  readonly ColumnRef: ColumnRef;
  readonly CommentStmt: CommentStmt;
  readonly CommonTableExpr: CommonTableExpr;
  readonly CompositeTypeStmt: CompositeTypeStmt;
  readonly Constraint: Constraint;
  readonly ConstraintsSetStmt: ConstraintsSetStmt;
  readonly CopyStmt: CopyStmt;
  readonly CreateDomainStmt: CreateDomainStmt;
  readonly CreateForeignTableStmt: CreateForeignTableStmt;
  readonly CreateFunctionStmt: CreateFunctionStmt;
  readonly CreatePolicyStmt: CreatePolicyStmt;
  readonly CreateSchemaStmt: CreateSchemaStmt;
  readonly CreateSeqStmt: CreateSeqStmt;
  readonly CreateStatsStmt: CreateStatsStmt;
  readonly CreateStmt: CreateStmt;
  readonly CreateTableAsStmt: CreateTableAsStmt;
  readonly CreateTrigStmt: CreateTrigStmt;
  readonly CurrentOfExpr: CurrentOfExpr;
  readonly DeallocateStmt: DeallocateStmt;
  readonly DeclareCursorStmt: DeclareCursorStmt;
  readonly DefElem: DefElem;
  readonly DefineStmt: DefineStmt;
  readonly DeleteStmt: DeleteStmt;
  readonly DiscardStmt: DiscardStmt;
  readonly DropOwnedStmt: DropOwnedStmt;
  readonly DoStmt: DoStmt;
  readonly DropStmt: DropStmt;
  readonly ExecuteStmt: ExecuteStmt;
  readonly ExplainStmt: ExplainStmt;
  readonly FetchStmt: FetchStmt;
  readonly FuncCall: FuncCall;
  readonly FunctionParameter: FunctionParameter;
  readonly GrantRoleStmt: GrantRoleStmt;
  readonly GrantStmt: GrantStmt;
  readonly GroupingFunc: GroupingFunc;
  readonly GroupingSet: GroupingSet;
  readonly IndexElem: IndexElem;
  readonly IndexStmt: IndexStmt;
  readonly InferClause: InferClause;
  readonly InsertStmt: InsertStmt;
  readonly IntoClause: IntoClause;
  readonly JoinExpr: JoinExpr;
  readonly JsonAggConstructor: JsonAggConstructor;
  readonly JsonArgument: JsonArgument;
  readonly JsonArrayAgg: JsonArrayAgg;
  readonly JsonArrayConstructor: JsonArrayConstructor;
  readonly JsonArrayQueryConstructor: JsonArrayQueryConstructor;
  readonly JsonBehavior: JsonBehavior;
  readonly JsonFormat: JsonFormat;
  readonly JsonFuncExpr: JsonFuncExpr;
  readonly JsonIsPredicate: JsonIsPredicate;
  readonly JsonKeyValue: JsonKeyValue;
  readonly JsonObjectAgg: JsonObjectAgg;
  readonly JsonObjectConstructor: JsonObjectConstructor;
  readonly JsonOutput: JsonOutput;
  readonly JsonParseExpr: JsonParseExpr;
  readonly JsonReturning: JsonReturning;
  readonly JsonScalarExpr: JsonScalarExpr;
  readonly JsonSerializeExpr: JsonSerializeExpr;
  readonly JsonTable: JsonTable;
  readonly JsonTableColumn: JsonTableColumn;
  readonly JsonTablePathSpec: JsonTablePathSpec;
  readonly JsonValueExpr: JsonValueExpr;
  readonly ListenStmt: ListenStmt;
  readonly LoadStmt: LoadStmt;
  readonly LockStmt: LockStmt;
  readonly LockingClause: LockingClause;
  readonly MergeStmt: MergeStmt;
  readonly MergeWhenClause: MergeWhenClause;
  readonly MinMaxExpr: MinMaxExpr;
  readonly MultiAssignRef: MultiAssignRef;
  readonly NamedArgExpr: NamedArgExpr;
  readonly NotifyStmt: NotifyStmt;
  readonly NullTest: NullTest;
  readonly ObjectWithArgs: ObjectWithArgs;
  readonly OnConflictClause: OnConflictClause;
  readonly ParamRef: ParamRef;
  readonly PartitionBoundSpec: PartitionBoundSpec;
  readonly PartitionCmd: PartitionCmd;
  readonly PartitionElem: PartitionElem;
  readonly PartitionSpec: PartitionSpec;
  readonly PrepareStmt: PrepareStmt;
  readonly RangeFunction: RangeFunction;
  readonly RangeSubselect: RangeSubselect;
  readonly RangeTableFunc: RangeTableFunc;
  readonly RangeTableFuncCol: RangeTableFuncCol;
  readonly RangeTableSample: RangeTableSample;
  readonly RangeVar: RangeVar;
  readonly RefreshMatViewStmt: RefreshMatViewStmt;
  readonly ReindexStmt: ReindexStmt;
  readonly RenameStmt: RenameStmt;
  readonly ResTarget: ResTarget;
  readonly ReturnStmt: ReturnStmt;
  readonly ReturningClause: ReturningClause;
  readonly ReturningOption: ReturningOption;
  readonly RoleSpec: RoleSpec;
  readonly RowExpr: RowExpr;
  readonly RuleStmt: RuleStmt;
  readonly SQLValueFunction: SQLValueFunction;
  readonly SecLabelStmt: SecLabelStmt;
  readonly SelectStmt: SelectStmt;
  readonly SetToDefault: SetToDefault;
  readonly SortBy: SortBy;
  readonly StatsElem: StatsElem;
  readonly SubLink: SubLink;
  readonly TransactionStmt: TransactionStmt;
  readonly TriggerTransition: TriggerTransition;
  readonly TruncateStmt: TruncateStmt;
  readonly TypeCast: TypeCast;
  readonly TypeName: TypeName;
  readonly UnlistenStmt: UnlistenStmt;
  readonly UpdateStmt: UpdateStmt;
  readonly VacuumRelation: VacuumRelation;
  readonly VacuumStmt: VacuumStmt;
  readonly VariableSetStmt: VariableSetStmt;
  readonly VariableShowStmt: VariableShowStmt;
  readonly ViewStmt: ViewStmt;
  readonly WindowDef: WindowDef;
  readonly WithClause: WithClause;
  readonly XmlExpr: XmlExpr;
  readonly XmlSerialize: XmlSerialize;
}
