# ruff: noqa: RUF001 tables of words
"""How messages that carry evidence begin where lc_messages is another language; English ones stand in ``messages``.

The beginnings tell the messages of PostgreSQL 15's catalogues apart (src/backend/po: German, Spanish, French, Italian,
Japanese, Georgian, Korean, Russian, Swedish, Ukrainian, simplified Chinese), in all languages at once; a few are those
of the last Turkish catalogue. % is
anything, $ the message's end.
"""

from __future__ import annotations

# subject of messages.TABLE, then one beginning a line.
TABLE = r"""
relation_truncated_at_end
    "%" 테이블: % 에서
    "%" 테이블: 잠금 요청
    "%": stoppar trunkeri
    "%": truncate interro
    "%": зупинка скорочен
    "%": остановка усечен
    "%": 将%截断到% p
    "%": 잠금 요청 충돌로
    "%":由于与锁请求相冲突，停
    "%":由于与锁请求相冲突，暂
    "%":競合するロックが存在す
    %: წაკვეთის შეჩ
    Tabelle »%«: Truncate
    Tabelle »%«: von % a
    tabell "%": pausar tr
    tabell "%": trunkerad
    tabella "%": % tronc
    tabella "%": sospensi
    tabla «%»: suspendien
    tabla «%»: truncadas
    table « % » : % pages tron
    table « % » : mis en
    « % » : arrêt du TRUN
    «%»: suspendien
    »%«: Truncate wird ge
    таблица "%": приостан
    таблица "%": усечение
    таблиця "%: при
    таблиця "%: ско
    ცხრილი "%": წაიკვეთა
    ცხრილი %: წაკვე
    テーブル"%": %ページか
    テーブル"%": 競合するロッ
process_killed
    % (PID %) % sinyali tarafından
    % (PID %) % exception tarafından
    % (PID %) a été arrê
    % (PID %) fue termin
    % (PID %) terminerad
    % (PID %) wurde durc
    % (PID %) wurde von
    % (PID %) è stato te
    % (PID %) був перерв
    % (PID %) был заверш
    % (PID %) был прерва
    % (PID %) დასრულდა სიგნალი
    % (PID %) დასრულდა შ
    % (PID %) 被信号
    % (PID %) 被异常
    % (PID %) 프로세스가 %번
    % (PID %) 프로세스가 0x%
    % (PID %)はシグナル
    % (PID %)は例外%
shutdown_request
    akıllı kapatma isteği
    hızlı kapatma isteği
    immediate shutdown isteği
    a reçu une demande d'a
    abortando transa
    annulation des t
    arresto immediat
    avbryter aktiva
    ejecutando un ap
    etwaige aktive T
    fast 중지 요청을 받았습니
    forçage d'un arr
    führe sofortiges
    immediate 중지 요청을
    intelligentes He
    interruzione di tutte
    mottog begäran f
    richiesta di arr
    schnelles Herunt
    se recibió petición de apaga
    smart 중지 요청을 받았습
    sofortiges Herun
    stänger ner omed
    tog emot förfrågan om att st
    виконується нега
    немедленное откл
    отримано smart з
    отримано запит н
    отримано швидкий
    переривання будь
    получен запрос на "веж
    получен запрос на быст
    получен запрос на неме
    прерывание всех
    მიღებულია დაუყოვ
    მიღებულია სწრაფი
    მიღებულია ჭკვიან
    ყველა აქტიური ტრ
    スマートシャットダウン要求を受け
    データディレクトリのロックファイ
    中断任何激活事务
    即時シャットダウン要求を受け取り
    接到到智能 (smart) 停止
    接收到快速 (fast) 停止请
    接收到立即 (immediate
    活動中の全トランザクションをアボ
    由于数据目录锁文件非法而执行立即
    高速シャットダウン要求を受け取り
    데이터 디렉터리 잠금 파일이
    모든 활성화 되어있는 트랜잭션
startup_failed
    Serverstart abge
    abortando el ini
    annulation du dé
    avbryter uppstar
    avvio interrotto
    переривання запу
    გაშვების გაუქმებ
    由于启动进程失败, 终止启动
    起動プロセスの失敗のため起動を中
    시작 프로세스 실패 때문에 서
all_terminated
    tüm sunucu süreçleri durduruldu
    SIGKILL wird an
    aktive Serverpro
    alla serverproce
    alle Serverproze
    arrêt des autres
    avslutar andra a
    enviando SIGKILL
    exécution de SIG
    interruzione di tutti
    rilasciare SIGKI
    skickar SIGKILL
    terminando todos
    todos los proces
    tous les process
    tutti i processi
    все серверные пр
    завершение всех
    завершення будь-
    надсилання SIGKI
    неподчиняющимся
    усі серверні про
    სერვერის სხვა და
    სერვერის ყველა პ
    中断任何其它已激活的服务器进程
    他の活動中のサーバープロセスを終
    全てのサーバープロセスが終了しま
    所有的服务器进程被中止; 重新初
    手に負えない子プロセスにSIGK
    다른 활성화 되어있는 서버 프
    모든 서버 프로세스가 중지 되
    정상 종료되지 않는 하위 프로
archive_recovery
    %/% でリカバリの一貫性が
    %/% 위치에서 복구 일관
    Logdatei »%« au
    Standby-Modus ei
    Startar arkivåte
    Wiederherstellung aus Archiv
    arkivåterställni
    avvio del ripristino d
    comenzando proce
    el estado de rec
    entrando al modo
    entre en mode st
    file di log "%" ripri
    går in i standby
    il ripristino de
    inizio modalità
    konsistent åters
    konsistenter Wie
    recuperación com
    restauration de
    restauration du
    se ha restaurado
    starte Wiederherstellung aus Archiv
    återställd logfi
    è stato raggiunto uno
    état de restaura
    восстановление а
    відновлений файл
    відновлення архі
    начинается восстановление ар
    переход в режим
    перехід у режим
    початок відновле
    согласованное со
    узгоджений стан
    файл журнала "%
    არქივიდან აღდგენ
    თანმიმდევრული აღ
    ჟურნალის ფაილი "
    უქმე რეჟიმზე გად
    アーカイブリカバリが完了しました
    アーカイブリカバリを開始していま
    スタンバイモードに入ります
    ログファイル"%"をアーカイブ
    从归档中恢复日志文件 "%"
    在%/%上已到达一致性恢复状
    开始归档恢复
    归档恢复完毕
    正在进入备用模式
    대기 모드로 전환합니다
    아카이브 복구 완료
    아카이브 복구 작업을 시작합니
    아카이브에서 "%" 로그파일
autovacuum
    "%.%.%" 테이블 대상으로 자동
    "%.%.%" 테이블 자동 청소:
    VACUUM automatiq
    automatisches Va
    automatisches ag
    automatisk aggre
    automatisk vacuu
    pulizia automati
    vacuum  automati
    vacuum agresivo
    vacuum automatic
    vacuum automátic
    автоматическая а
    автоматическая о
    автоматична агре
    автоматична очис
    автоматичне очищ
    автоматичний агр
    ჩაციკვლის თავიდა
    ცხრილის ("%.%.%") ავტომატ
    ცხრილის ავტოდამტ
    テーブル"%.%.%"に対する自動VA
    テーブル"%.%.%"の周
    テーブル"%.%.%"の積
    テーブル"%.%.%"の自
    对表"%.%.%"进行自动清理
    自动清理表"%.%.%"：
    自动积极的清理表"%.%.%
    自动积极的清理，防止表"%.%
    적극적인 "%.%.%" 테이블 자동
    트랙젝션 ID 겹침 방지를 위
autoanalyze
    "%.%.%" 테이블 자동 분석
    ANALYZE automati
    analisi automati
    análisis automát
    automatisches An
    automatisk analy
    автоматический а
    автоматичний ана
    ცხრილის ავტოანალ
    ცხრილის ავტომატუ
    テーブル"%.%.%"に対する自動AN
    对表"%.%.%"进行自动分析
    自动分析表 "%.%.%"
lock_timeout
    "%" 릴레이션의 잠금 정보
    "%.%" 릴레이션의 잠금
    annulation de la requête à cause du délai écoulé pour l'obte
    annullamento dell'istruzione a causa di timeout di lock
    avbryter sats på grund av lå
    cancelando la sentencia debido a que se agotó el tiempo de espera de candados (locks)
    konnte Sperre fü
    kunde inte låsa rad i
    kunde inte ta lå
    lock della relaz
    lock di riga nel
    n'a pas pu obtenir un verrou
    no se pudo bloquear un
    storniere Anfrage wegen Zeitüberschreitung einer Sperre
    виконання оператора скасовано через тайм-аут блокування
    выполнение оператора отменено из-за тайм-аута блокировки
    не вдалося отримати бл
    не удалось получить бл
    ბლოკის მიღების შ
    გამოსახულება გაუ
    ურთიერთობაში "%" მწკრ
    リレーション"%"のロックを取
    リレーション"%"の行ロックを
    リレーション"%.%"のロックを取得でき
    ロックのタイムアウトのためステー
    无法在关系 "%" 上获得锁
    无法在关系 "%"中的记录上获
    无法在关系 "%.%" 上获
    由于锁超时，取消语句操作
    잠금 대기 시간 초과로 작업을
statement_timeout
    sorgu zaman aşımına uğradı
    annulation de la requête à cause du délai écoulé pour l'exéc
    avbryter sats på grund av sa
    cancelando la sentencia debido a que se agotó el tiempo de espera de sentencias
    storniere Anfrage wegen Zeitüberschreitung der Anfrage
    ステートメントのタイムアウトのた
    由于语句执行超时，正在取消查询命
    명령실행시간 초과로 작업을 취
checkpoint_complete
    Checkpoint kompl
    Restart-Punkt ko
    checkpoint compl
    checkpoint klar:
    checkpoint termi
    punto di riavvio
    restartpoint com
    restartpoint kla
    restartpoint ter
    restartpoint 작업완
    контрольна точка завер
    контрольная точка заве
    точка перезапуска заве
    точка перезапуску заве
    チェックポイント完了: %個の
    リスタートポイント完了: %個
    체크포인트 작업완료: %개(
checkpoint_starting
    Checkpoint begin
    Restart-Punkt be
    checkpoint start
    début du checkpo
    début du restart
    empezando checkp
    empezando restar
    inizio checkpoin
    inizio del punto
    restartpoint sta
    restartpoint 시작:
    начата контрольн
    начата точка пер
    початок контроль
    початок точки пе
    გადატვირთვის წერ
    საკონტროლო წერტილი იწყ
    チェックポイント開始:%
    リスタートポイント開始:%
    체크포인트 시작:%
connection_authenticated
    Verbindung authe
    anslutning auten
    conexión autenti
    connessione aute
    connexion authen
    підключення авте
    соединение аутен
    მიერთება ავთენტი
    接続認証完了: 識別名="%"
    연결 인증됨: 식별자="%"
connection_authorized
    bağlantı tanımı: kullanıcı=
    conexão autorizada: usu
    Replikationsverb
    Verbindung autor
    anslutning aukto
    conexión autoriz
    conexión de repl
    connessione auto
    connessione di r
    connexion autori
    connexion de rép
    replikeringsansl
    подключение авто
    подключение для
    підключення авто
    підключення для
    რეპლიკაციის შეერ
    შეერთება ავტორიზ
    レプリケーション接続の認証完了:
    复制连接已经授权:  user=
    复制连接已经授权: user=%
    复制连接已经授权: 用户=%
    已授权连接 : user=%
    已授权连接: user=% d
    已授权连接: 主机=% 数据库
    接続の認証完了: ユーザー=%
    복제 연결 인증: user=%
    연결 인증: user=%
connection_received
    bağlantı alındı: istemci=
    Verbindung empfa
    ansluting mottag
    conexión recibid
    connessione rice
    connexion reçue
    з'єднання отрима
    принято подключе
    შემოსული დაკავში
    已接收到连接: 主机=%
    已接收到连接: 主机=% 端口
    接続を受け付けました: ホスト=
    접속 수락: host=%
    접속 수락: host=% p
unique_violation
    "%" 고유 인덱스를 만들
    creazione dell'i
    doppelter Schlüs
    duplicerat nycke
    konnte Unique In
    kunde inte skapa unikt
    la valeur d'une clé du
    llave duplicada
    n'a pas pu créer l'ind
    no se pudo crear el ín
    un valore chiave
    не вдалося створити ун
    повторювані знач
    повторяющееся зн
    создать уникальный индекс "%
    დუბლირებული გასა
    უნიკალური ინდექს
    一意インデックス"%"を作成で
    无法创建唯一索引"%"
    重复键违反唯一约束"%"
    重複したキー値は一意性制約"%
    중복된 키 값이 "%" 고유
aborted_transaction
    geçerli transaction durduruldu
    bieżąca transakcja została przerwana
    aktuella transak
    aktuelle Transak
    la transaction e
    la transazione c
    transacción abortada,
    поточна транзакц
    текущая транзакц
    当前事务被终止, 事务块结束之前
    現在のトランザクションがアボート
    현재 트랜잭션은 중지되어 있습
new_cluster
    "%" 데이터 디렉터리 소유
    "%" 데이터 디렉터리 없음
    "%" 데이터 디렉터리 접근
    Datenbankdateien
    Datenverzeichnis »%«
    databasfilerna ä
    databaskatalogen
    datakatalogen "%
    data目录 "%"的所有者权
    el directorio de datos «%»
    i file del datab
    la directory dei dati "%" h
    la directory dei dati "%" n
    la directory di
    le répertoire des données « % » a des p
    le répertoire des données « % » a un ma
    le répertoire des données « % » n'exist
    les fichiers de
    los archivos de
    no existe el directorio de d
    владелец каталог
    власник каталогу
    для каталога дан
    каталог даних "%
    каталог данных "
    файли бази даних
    файлы базы данны
    ბაზის ფაილები სე
    მონაცემების მითითებული საქაღალდის ("%")
    მონაცემების საქაღალდე არ არს
    მონაცემების საქაღალდის "%"
    データディレクトリ"%"の所有
    データディレクトリ"%"の権限
    データディレクトリ"%"は存在
    データベースファイルがサーバーと
    数据库文件和服务器不兼容
    数据目录 "%" 不存在
    数据目录"%"的权限无效
    데이터베이스 파일들이 서버와
no_such_database
    "%" 데이터베이스는 현재
    % 데이터베이스가 없음
    Datenbank »%« a
    databasen "%" t
    il database "%" attua
    la base de datos «%» no ace
    la base de données « % » n'accepte plus
    база "%" не принимает
    база даних "%" не при
    база даних % не
    ბაზა "%" ამჟამა
    ბაზა არ არსებობს
    データベース % は存在しませ
    数据库 "%" 当前不接受联接
    数据库%不存在
    現在データベース"%"は接続を
ready
    veritabanı sunucusu bağlantı kabul
    Datenbanksystem ist be
    databassystemet är red
    el sistema de bases de datos está listo
    il database è pr
    il sistema di database è pro
    le système de bases de données est prêt
    система БД готов
    система бази даних гот
    მონაცემთა ბაზის სისტემა მზად
    データベースシステムの接続受け付
    データベースシステムはリードオン
    数据库系统准备接受只读请求的连接
    数据库系统准备接受连接
    데이터베이스 시스템이 읽기 전
    이제 데이터베이스 서버로 접속
shutdown
    veritabanı sistemi kapandı
    il database è stato arrestato$
    выключение$
    stänger ner$
    завершення роботи$
    Arbeitsprozess für logische Replikation wird abgebrochen auf
    Arbeitsprozess für logische Replikation wird abgebrochen weg
    Background-Worker »%« wird
    Datenbanksystem ist he
    Datenbanksystem wurde am %
    apagando
    apagando debido
    arresto del work
    arresto in corso
    arrêt des proces
    arrêt du processus en
    arrêt du processus wor
    arrêt en cours
    arrêt parce que
    arrêt à cause d'
    avslutar logisk
    chiusura a causa
    chiusura perché
    databassystemet stängdes ner vid %
    databassystemet är ned
    el sistema de bases de datos está apagad
    el sistema de bases de datos fue apagado en %
    fahre herunter
    fahre herunter w
    fahre herunter,
    il database è stato arrestato alle %
    interruzione del processo di
    interruzione del worke
    le système de base de données est arrêté
    le système de bases de données a été arrêté à %
    restart_after_cr
    stänger ner då r
    stänger ner på g
    terminando el proceso ayudan
    terminando el proceso de rep
    terminerar bakgr
    завершение обраб
    завершение фонов
    завершення оброб
    завершення процесу лог
    завершення роботи чере
    завершення роботи, том
    завершення фонов
    сервер останавли
    система БД была выключена: %
    система БД выклю
    система бази даних була вимк
    система бази даних вим
    ლოგიკური რეპლიკაციის დამხმარე პროცესის შ
    მიმდინარეობს გამორთვა
    მონაცემთა ბაზის სისტემა გათი
    მონაცემთა ბაზის სისტემის გათ
    მუშაობა დასრულდე
    მუშაობის დასრულე
    シャットダウンしています
    タイムアウトにより論理レプリケー
    データベースシステムは % に
    データベースシステムはシャットダウンしました
    数据库上次关闭时间为 %
    数据库系统已关闭
    正在关闭
    正在关闭autovacuum启动
    由于管理员命令中断后台工作进程"
    由于管理员命令而终止逻辑复制工作
    由于超时而终止逻辑复制工作线程
    管理者コマンドにより、論理レプリ
    管理者コマンドによりバックグラウ
    起動プロセスの失敗のためシャット
    관리자 명령에 의해 "%"
    관리자 요청에 의해서 논리 복
    데이터베이스 시스템 마지막 가
    데이터베이스 시스템 서비스를
    서비스를 멈추고 있습니다
    시간 제한으로 논리 복제 작업
    시작 작업 실패로 중지합니다.
interrupted
    le système de bases de données a été interrompu
    მონაცემთა ბაზა შეწყვეტილია; ბოლოს
    Datenbanksystem wurde unterb
    Datenbanksystem wurde während der Wiederherstellung am % un
    Datenbanksystem wurde während der Wiederherstellung bei Logz
    databassystemet avbröt
    el sistema de bases de datos fue interru
    il database è stato in
    le système de bases de données a été interrompu lors d'une r
    работа системы Б
    робота системи бази даних бу
    система бази даних була пере
    მონაცემთა ბაზის სისტემა გაით
    データベースシステムはリカバリ中 % に中
    データベースシステムはリカバリ中ログ時刻 %
    データベースシステムは中断されま
    当日志时间%进行恢复时，数据库
    恢复时, 数据库系统在 % 被
    数据库系统中断；上一次的启动时间
    데이터베이스 시스템 복구하는
    데이터베이스 시스템이 로그 시
    데이터베이스 시스템이 비정상적
not_shut_down
    Datenbanksystem wurde nicht
    Datenbanksystem wurde während der Wiederherstellung am % he
    databassystemet stängdes int
    databassystemet stängdes ner under åters
    el sistema de bases de datos fue apagado durante la recupera
    el sistema de bases de datos no fue apag
    il database non è stat
    il database è stato arrestato durante il
    le système de bases de données a été arrêté pendant la resta
    le système de bases de données n'a pas é
    робота системи бази даних не
    система БД была выключена в
    система БД была остано
    система бази даних завершила
    მონაცემთა ბაზა ა
    データベースシステムはリカバリ中 % にシ
    データベースシステムは正しくシャ
    在%，数据库在恢复中关闭
    数据库系统没有正确的关闭; 处于
    데이터베이스 시스템이 정상적으
    복구 중 데이터베이스 시스템
deadlock
    % PID 프로세스는 %(
    % PID 프로세스에서 %(%) 대
    Prozess % hat V
    Prozess % vermi
    Verklemmung (Dea
    deadlock upptäck
    deadlock 발생했음
    el proceso % de
    el proceso % ev
    il processo % ha evit
    il processo % ha indi
    interblocage (de
    le processus % a déte
    le processus % a évit
    process % undve
    process % upptä
    rilevato deadloc
    se ha detectado
    виявлено взаємне
    обнаружена взаим
    процес % виявив
    процес % уникну
    процесс % избеж
    процесс % обнар
    ნაპოვნია ურთიერთ
    デッドロックを検出しました
    プロセス%は、%.
    プロセス%は、%上の
    检测到死锁
    进程%在%.% ms等待在%
    进程%在%.% ms通过重新安排
disconnection
    bağlantı bitti: oturum
    desconexão: tempo
    rozłączenie: czas
    Verbindungsende:
    desconexión: dur
    disconnessione:
    déconnexion : du
    nedkoppling: ses
    відключення: час
    отключение: врем
    接続を切断: セッション時間:
    断开连接: 会话时间: %:%
    연결종료: 세션 시간: %:
drop_cascade
    % 개체가 덩달아 삭제됨
    %개의 다른 개체에 대한 관
    DROP cascade sur
    Löschvorgang lös
    drop svämmar öve
    eliminando ademá
    l'eliminazione e
    видалення поширю
    удаление распрос
    წაშლა %-ზეც ვრც
    წაშლა გავრცელდებ
    串联删除%个其它对象
    削除は%へ伝播します
    削除は他の%個のオブジェクトに
    递归删除 %
foreign_key_violation
    "%" 테이블에서 자료 추가
    "%" 테이블의 자료 갱신,
    Aktualisieren od
    Einfügen oder Ak
    INSERT или UPDAT
    UPDATE ou DELETE
    UPDATE или DELET
    inserción o actu
    insert eller upd
    insert або updat
    l'istruzione UPD
    la INSERT o l'UP
    une instruction
    update eller del
    update o delete
    update або delet
    テーブル"%"の更新または
    テーブル"%"への挿入、更新は
    在 "%" 上的更新或删除
    插入或更新表 "%" 违反外键
redo
    %/% 处的记录长度不合法：
    %/%のレコード長が不正です
    %/%에서 redo 작업
    REDOが%/%で終了しまし
    REDOは必要ありません
    REDOを%/%から開始しま
    REDO進行中、経過時間 %
    Redo beginnt bei
    Redo fertig bei
    Redo im Gang, ab
    Redo nicht nötig
    il redo inizia i
    la ré-exécution commen
    la ré-exécution n'est
    largo de registr
    longueur invalide de l'enregistrement à
    lunghezza del record a
    no se requiere r
    ogiltig postläng
    redo behövs inte
    redo comienza en
    redo en cours, t
    redo en progreso
    redo gjord vid %
    redo listo en %
    redo non richies
    redo pågår, förb
    redo startar vid
    redo 在 %/% 完成
    redo 在 %/% 开始
    redo 진행 중, 예상시간:
    rejeu exécuté à
    ripetizione eseg
    ripetizione in c
    ungültige Datens
    выполняется восп
    данные REDO не т
    дані REDO не пот
    запис REDO почин
    запис REDO трива
    записи REDO обра
    запись REDO начи
    неверная длина записи в пози
    невірна довжина запису по зс
    повторно виконан
    გამეორება დაიწყე
    გამეორება დასრულ
    გამეორება საჭირო
    მიმდინარეობს გამეორება
    ჩანაწერს არასწორ
    不需要 redo
    잘못된 레코드 길이: %/%
    재반영해야 할 트랜잭션이 없음
undefined_table
    "%" 이름의 구체화된 뷰가
    "%" 이름의 릴레이션(relation)이 없습니
    "%" 테이블을 사용하는 F
    "%.%" 이름의 릴레이션
    Relation »%.%« exist
    elemento FROM pe
    entrée manquante de la
    falta una entrada para
    fehlender Eintrag in F
    la relation « %.% »
    la relazione "%.%" n
    no existe la relación «%.%
    no existe la sec
    no existe la tabla «%
    no existe la vis
    ogiltig referens
    referencia a la
    relationen "%" existe
    relationen "%.%
    riferimento non
    référence invali
    saknar FROM-klau
    ungültiger Verwe
    в елементі речен
    в элементе предл
    відношення "%.%
    отношение "%.%" не с
    таблица "%" отс
    таблиця "%" від
    ურთიერთობა "%.%
    ცხრილი არ არსებო
    テーブル"%"用のFROM句に
    テーブル"%"用のFROM句エ
    リレーション"%.%"は存在
    关系 "%.%" 不存在
    对于表 "%"的FROM子句项
    对于表"%",丢失FROM子句
    테이블 "%"에 FROM 절
listening
    "%" 유닉스 도메인 소켓으
    %, 주소: "%", 포트 % 번으
    %アドレス"%"、ポート%で待ち受けて
    Unixソケット"%"で待ち受
    en écoute sur %
    erwarte Verbindu
    escuchando en el
    escuchando en la
    in ascolto sul s
    in ascolto sull'
    lyssnar på %-ad
    lyssnar på Unix-
    écoute sur la so
    для приёма подкл
    прослуховувати %
    прослуховувати U
    ვუსმენ % მისამა
    ვუსმენ Unix სოკე
    在Unix套接字 "%"上侦听
    正在监听%地址"%"，端口
lock_wait
    % PID 프로세스가 %(
    % PID 프로세스에서 여전
    %.% ms 기다려서
    %.% ms 기다린
    Prozess % erlan
    Prozess % konnt
    Prozess % wartet imme
    Warten der Wiede
    Wiederherstellung wart
    el proceso % ad
    el proceso % aú
    el proceso % no
    il processo % ha acqu
    il processo % ha fall
    il processo % è ancor
    la recuperación aún es
    la recuperación terminó de e
    la restauration a fini
    le processus % a acqu
    le processus % a écho
    le processus % est to
    process % fick
    process % missl
    process % vänta
    recupero ancora
    recupero termina
    restauration tou
    återställning sl
    återställning vä
    відновлення все
    відновлення закі
    процес % все ще
    процес % не змі
    процес % отрима
    процесс % не см
    процесс % получ
    процесс % продо
    процесс восстано
    プロセス%は%.% ms後に%上で%を獲得す
    プロセス%は%.% ms後に%上の%を獲得し
    プロセス%は%を%で待機し
    リカバリは%.%ミリ秒
    进程%在%.% ms仍然等待在%
    进程%在%.% ms后获取在%
    프로세스 %에서 %(%)
promotion
    Anforderung zum
    Promote-Triggerd
    a reçu une demande de
    fichier trigger
    file trigger di
    richiesta di pro
    se encontró el a
    se recibió petición de promo
    tog emot förfrågan om beford
    triggerfil för b
    знайдено файл тр
    найден файл триг
    отримано запит п
    получен запрос п
    მიღებულა დაწინაუ
    ნაპოვნია წახალის
    找到升级触发器文件:%
    接收到提或请求
    昇格トリガファイルがあります:
    昇格要求を受信しました
    마스터 전환 트리거 파일이 있
    운영 전환 신호를 받았습니다.
unlogged_reset
    nollställer olog
    reseteando relac
    ripristino delle
    setze ungeloggte
    сброс нежурналир
    скидання нежурна
    非ログリレーションをリセットして
    로그 안남기는 릴레이션 재설정
no_such_role
    "%" 롤(role) 없음
    il ruolo "%" non può essere eliminato p
    kann Rolle »%« nicht
    le rôle « % » ne peut pas ê
    no existe el rol «%»
    no se puede eliminar el rol
    rollen "%" kan inte t
    роль "%" не можна вид
    роль "%" нельзя
    როლის ("%") წაშლა შეუ
    他のオブジェクトが依存しています
    无法删除"%"因为有其它对象倚
    기타 다른 개체들이 이 롤에
administrator_ended
    yönetici talimatı doğrultusunda bağlantı
    terminando conexão por causa de um comando
    zakończono połączenie na skutek polecenia
    Autovacuum-Proze
    Verbindung wird abgebrochen aufgrund von Anweisung des Admin
    WAL-Receiver-Prozess wird abgebrochen au
    arrêt des connexions suite à la demande
    arrêt du processus aut
    arrêt du processus walreceiver suite à la demande de l'admin
    avslutar anslutning på grund av ett admi
    avslutar autovac
    avslutar wal-mottagarp
    interruzione del processo au
    interruzione del processo walreceiver su
    interruzione della connessione su comand
    terminando el proceso autova
    terminando el proceso walreceiver debido a una orden del adm
    terminando la conexión debido a una orden del administrador
    walreceiver პროგრამის შეწყვეტა ადმინისტრ
    завершение процесса сч
    завершення процесу walreceiver по команд
    завершення процесу авт
    завершення підключення по ко
    закрытие подключения п
    прекращение проц
    ავტომომტვერსასრუტების პროცეს
    მიერთების შეწყვეტა ადმ
    由于管理员命令中断autovac
    由于管理员命令中断walrece
    由于管理员命令中断联接
    管理者コマンドにより WAL 受
    管理者コマンドにより接続を終了し
    管理者コマンドにより自動VACU
    관리자 명령으로 인해 WAL
    관리자 명령으로 인해 자동 청
    관리자 요청에 의해서 연결을
session_lost_to_crash
    diğer aktif sunucu sürecinin durması
    finalizando conexão por causa de uma queda
    zakończenie połączenia spowodowane awarią
    Verbindung wird abgebrochen wegen Abstur
    arrêt de la connexion à cause de l'arrêt
    avbryter anslutn
    la connessione è stata terminata a causa del crash di un alt
    terminando la conexión debido a una fall
    завершення підключення через аварійне за
    закрытие подключения из-за краха другого
    中断联接, 因为其它服务器进程崩
    他のサーバープロセスがクラッシュ
    다른 서버 프로세스가 손상을
idle_timeout
    Verbindung wird abgebrochen wegen Zeitüb
    arrêt des connexions suite à l'expiratio
    idle-in-transaction 시간
    idle-session 시간
    la connessione è stata terminata a causa di timeout di inatt
    stänger anslutning på grund av idle-sess
    terminando la conexión debido a que se a
    terminazione della connessione a causa del timeout della ses
    terminerar anslu
    завершення підключення через тайм-аут бе
    завершення підключення через тайм-аут не
    закрытие подключения из-за т
    アイドルセッションタイムアウトに
    トランザクション中アイドルタイム
    由于空载事务超时而终止连接
truncate_cascade
    truncate işlemi , cascade
    "%" 개체의 자료도 함께
    TRUNCATE cascade
    Truncate-Vorgang
    truncando además
    truncate si prop
    truncate svämmar
    опустошение расп
    скорочення пошир
    მოკვეთა გადაეცემ
    テーブル"%"へのカスケードを
    级联截断表"%"
worker_exited
    逻辑复制启动程序正在关闭
startup
    PostgreSQL %) on %, compiled by
    "PostgreSQL %) on %, compiled by
    démarrage de PostgreSQL
    iniciando PostgreSQL
    a partire da PostgreSQL
    запускается PostgreSQL
    正在启动 PostgreSQL
    startar PostgreSQL
    початок PostgreSQL
"""
